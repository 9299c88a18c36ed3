import { suggestion } from '../nearest.ts'
import type { Place } from '../place.ts'
import { type LocalTime, localTimeIn, UTC } from './local-time.ts'

/** Time zones by name, each made once: what the runtime keeps for one is dear. */
export interface Zones {
  /** @throws {PolicyLoadError} for a name that the runtime does not know. */
  of(name: string, place: Place): LocalTime
}

export function createZones(): Zones {
  const known = new Map<string, LocalTime>([['UTC', UTC]])
  return {
    of(name, place): LocalTime {
      const before = known.get(name)
      if (before !== undefined) return before
      const made = localTime(name, place)
      known.set(name, made)
      return made
    },
  }
}

function localTime(name: string, place: Place): LocalTime {
  try {
    return localTimeIn(name)
  } catch {
    const hint = suggestion(name, Intl.supportedValuesOf('timeZone'))
    throw place.refusal(`unknown time zone ${JSON.stringify(name)}${hint}; IANA names, such as "Europe/Zurich"`)
  }
}
