import { durationText } from './duration.ts'
import { refuse } from './refusal.ts'

/** What a TTL is worked out from. All in milliseconds; 0 stands for "not given". */
export interface TtlTerms {
  /** Asked for by a renewal. */
  readonly incrementMs: number
  /** Wanted by the plugin. */
  readonly backendTtlMs: number
  readonly backendMaxTtlMs: number
  /** Above 0: each renewal gives this again. */
  readonly periodMs: number
  readonly explicitMaxTtlMs: number
  /** Of the mount, or of the host. */
  readonly defaultTtlMs: number
  /** Of the mount, or of the host; above 0. */
  readonly maxTtlMs: number
  /** First issue, in milliseconds since 1970. */
  readonly startMs: number
  readonly nowMs: number
}

/** Time granted, whole seconds in milliseconds, and what the caller is told of it. */
export interface Granted {
  readonly ttlMs: number
  readonly warnings: readonly string[]
}

/**
 * The time that a lease or token gets, as the servers work it out: in whole seconds, never past what was fixed at its issue.
 *
 * Pure. @throws {Refusal} 400 `past the max TTL, cannot renew`.
 */
export function grantedTtl(terms: TtlTerms): Granted {
  const { periodMs, explicitMaxTtlMs, backendMaxTtlMs } = terms
  const maxMs = Math.min(terms.maxTtlMs, backendMaxTtlMs || Infinity, explicitMaxTtlMs || Infinity)
  const startS = seconds(terms.startMs)
  const nowS = seconds(terms.nowMs)
  if (periodMs > 0) {
    const limitS = explicitMaxTtlMs > 0 ? startS + seconds(explicitMaxTtlMs) : Infinity
    const granted = Math.min(periodMs, explicitMaxTtlMs > 0 ? periodMs : terms.maxTtlMs)
    return capped(granted, limitS - nowS, granted < periodMs ? [exceeded(periodMs, granted)] : [])
  }
  const wantedMs = terms.incrementMs || terms.backendTtlMs || terms.defaultTtlMs
  return capped(wantedMs, startS + seconds(maxMs) - nowS, [])
}

function capped(wantedMs: number, leftS: number, warnings: readonly string[]): Granted {
  if (leftS <= 0) throw refuse(400, 'past the max TTL, cannot renew')
  const leftMs = leftS * 1000
  const ttlMs = Math.max(seconds(wantedMs), 1) * 1000
  if (ttlMs <= leftMs) return { ttlMs, warnings }
  return { ttlMs: leftMs, warnings: [...warnings, exceeded(ttlMs, leftMs)] }
}

function exceeded(wantedMs: number, grantedMs: number): string {
  return `TTL of "${durationText(wantedMs)}" exceeded the effective max_ttl of "${durationText(grantedMs)}"; TTL value is capped accordingly`
}

function seconds(ms: number): number {
  return Math.floor(ms / 1000)
}
