import type { Config } from './config.ts'
import { isGone, type Secret, type Version } from './secret.ts'

/** Versions kept where neither the secret nor its mount says how many. */
const DEFAULT_MAX_VERSIONS = 10

/** A secret after a change, and the versions whose data goes with it. */
export interface Changed {
  readonly secret: Secret
  readonly dropped: readonly number[]
}

/** `secret` with one more version, and without those that are too many now. */
export function withVersion(secret: Secret, config: Config, nowMs: number): Changed {
  const created = timeText(nowMs)
  const current = secret.current + 1
  const limit = secret.maxVersions || config.maxVersions || DEFAULT_MAX_VERSIONS
  const oldest = current >= limit ? Math.max(secret.oldest, current - limit + 1) : secret.oldest
  const entries = Object.entries(secret.versions)
  const kept = entries.filter(([number]) => Number(number) >= oldest)
  const version: Version = { created, deleted: endOf(secret, config, nowMs), destroyed: false }
  return {
    secret: {
      ...secret,
      updated: created,
      current,
      oldest,
      versions: { ...Object.fromEntries(kept), [current]: version },
    },
    dropped: entries.map(([number]) => Number(number)).filter((number) => number < oldest),
  }
}

/** When a version made or brought back now ends by itself. The mount's limit below 0 switches that off, and caps the secret's own. */
function endOf(secret: Secret, config: Config, nowMs: number): string {
  if (config.deleteAfter < 0) return ''
  const limits = [config.deleteAfter, secret.deleteAfter].filter((seconds) => seconds > 0)
  return limits.length === 0 ? '' : timeText(nowMs + Math.min(...limits) * 1000)
}

/** Deletes versions that are there and not gone; their data stays. */
export function withDeleted(secret: Secret, numbers: readonly number[], nowMs: number): Secret {
  return each(secret, numbers, (version) =>
    isGone(version, nowMs) ? version : { ...version, deleted: timeText(nowMs) },
  )
}

/** Brings back versions that were deleted and not destroyed. */
export function withUndeleted(secret: Secret, numbers: readonly number[], config: Config, nowMs: number): Secret {
  const deleted = endOf(secret, config, nowMs)
  return each(secret, numbers, (version) => (version.destroyed ? version : { ...version, deleted }))
}

/** Marks versions as destroyed; the data is to be dropped, again where that was cut off before. */
export function withDestroyed(secret: Secret, numbers: readonly number[]): Changed {
  return {
    secret: each(secret, numbers, (version) => ({ ...version, destroyed: true })),
    dropped: numbers.filter((number) => Object.hasOwn(secret.versions, number)),
  }
}

function each(secret: Secret, numbers: readonly number[], change: (version: Version) => Version): Secret {
  const versions = { ...secret.versions }
  for (const number of numbers) {
    const version = Object.hasOwn(versions, number) ? versions[number] : undefined
    if (version !== undefined) versions[number] = change(version)
  }
  return { ...secret, versions }
}

/** A moment as it is stored and told. */
export function timeText(ms: number): string {
  return new Date(Math.min(ms, LAST_MS)).toISOString()
}

/** Last moment that has four digits for its year. */
const LAST_MS = Date.UTC(9999, 11, 31)
