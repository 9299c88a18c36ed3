import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { Place } from '../place.ts'
import { DAY_MINUTES, type LocalTime } from './local-time.ts'
import type { Zones } from './zones.ts'

/** The times at which a rule speaks. */
export interface Windows {
  /** Is one of them open? `undefined` for a wall clock that shows no time. */
  isOpen(wallMs: number): boolean | undefined
  /** For people: `mon, tue 08:00-18:00 Europe/Zurich; sat UTC`. */
  readonly text: string
}

interface Window {
  /** By day, from Monday. */
  readonly days: readonly boolean[]
  /** Minutes of the day; at `from` it is open, at `to` no more. */
  readonly from: number
  /** Before `from`: on the day after. */
  readonly to: number
  readonly time: LocalTime
  readonly text: string
}

const DAYS: readonly string[] = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']

/** The windows in `source`, whose structure the policy schema has checked; `undefined` where it has none. @throws {PolicyLoadError} */
export function readWindows(source: JsonValue | undefined, place: Place, zones: Zones): Windows | undefined {
  if (!Array.isArray(source)) return undefined
  const windows = source.map((window: JsonObject, at) => readWindow(window, place.at(at), zones))
  return Object.freeze({
    text: windows.map(({ text }) => text).join('; '),
    isOpen(wallMs: number): boolean | undefined {
      let isTold = true
      for (const { days, from, to, time } of windows) {
        const minute = time.minuteOfWeek(wallMs)
        if (minute < 0) isTold = false
        else if (holds(days, from, to, minute)) return true
      }
      return isTold ? false : undefined
    },
  })
}

/** A window over midnight belongs to the day on which it opens. */
function holds(days: readonly boolean[], from: number, to: number, minuteOfWeek: number): boolean {
  const day = Math.floor(minuteOfWeek / DAY_MINUTES)
  const minute = minuteOfWeek % DAY_MINUTES
  if (from < to) return days[day] === true && minute >= from && minute < to
  return (days[day] === true && minute >= from) || (days[(day + 6) % 7] === true && minute < to)
}

function readWindow(source: JsonObject, place: Place, zones: Zones): Window {
  const { days = DAYS, from, to } = source as { readonly days?: readonly string[]; from?: string; to?: string }
  const timeZone = typeof source.timeZone === 'string' ? source.timeZone : 'UTC'
  const opens = minuteOf(from ?? '00:00')
  const closes = to === undefined ? DAY_MINUTES : minuteOf(to)
  if (opens === closes)
    throw place.refusal('opens and closes at the same time; leave "from" and "to" out for whole days')
  if (source.days === undefined && closes - opens === DAY_MINUTES) {
    throw place.refusal('is always open; name "days", "from" or "to", or leave "when" out')
  }
  return {
    days: DAYS.map((day) => days.includes(day)),
    from: opens,
    to: closes,
    time: zones.of(timeZone, place.at('timeZone')),
    text: [...daysText(source.days), ...timesText(from, to), timeZone].join(' '),
  }
}

function minuteOf(time: string): number {
  const [hours, minutes] = time.split(':')
  return Number(hours) * 60 + Number(minutes)
}

function daysText(days: JsonValue | undefined): readonly string[] {
  return Array.isArray(days) ? [days.join(', ')] : []
}

function timesText(from: string | undefined, to: string | undefined): readonly string[] {
  return from === undefined && to === undefined ? [] : [`${from ?? '00:00'}-${to ?? '24:00'}`]
}
