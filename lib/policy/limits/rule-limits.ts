import { isJsonObject } from '../../model/json.ts'
import { durationMs } from '../duration.ts'
import type { Place } from '../place.ts'
import type { Rate } from './rate.ts'

/** How much a rule lets each caller have. One object a rule. */
export interface RuleLimits {
  readonly policy: string
  readonly rule: string
  readonly rate: Rate | undefined
  /** As the policy has it. */
  readonly rateText: string
  /** Leases minted under the rule that have not ended; `Infinity` for no limit. */
  readonly leases: number
  /** How long after its issue a lease may be had; `Infinity` for as long as it lives. */
  readonly maxTtlMs: number
  /** All of it, for people. */
  readonly text: string
}

/** The limits of a rule that allowed, and which caller of the chain it allowed: 0 is the root. */
export interface LinkLimits {
  readonly link: number
  readonly limits: RuleLimits
}

/** Shortest `maxTtl`: in less, a lease can hardly be fetched, handed over and replaced. */
const TTL_MIN_MS = 1000

const UNITS_MS: ReadonlyMap<string, number> = new Map([
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
])

/** The limits in `source`, whose structure the policy schema has checked; `undefined` for none. @throws {PolicyLoadError} */
export function readLimits(
  source: unknown,
  place: Place,
  names: Pick<RuleLimits, 'policy' | 'rule'>,
): RuleLimits | undefined {
  const { rate: rateText, burst, leases, maxTtl, ...wrapping } = isJsonObject(source) ? source : {}
  if (burst !== undefined && rateText === undefined) throw place.at('burst').refusal('has a meaning only beside "rate"')
  const maxTtlMs = typeof maxTtl === 'string' ? durationMs(maxTtl) : Infinity
  if (maxTtlMs < TTL_MIN_MS) throw place.at('maxTtl').refusal('must be 1s or more')
  const countsLeases = leases !== undefined || maxTtl !== undefined
  const [wrap] = Object.keys(wrapping)
  if (countsLeases && wrap !== undefined) {
    throw place.at(wrap).refusal('cannot stand beside "leases" or "maxTtl": a wrapped answer would hide its lease')
  }
  const rate = typeof rateText === 'string' ? parseRate(rateText, burst as number | undefined) : undefined
  if (rate === undefined && !countsLeases) return undefined
  const parts = [
    ...(rate === undefined ? [] : [`${rateText}, ${rate.burst} at once`]),
    ...(leases === undefined ? [] : [`${leases} leases`]),
    ...(maxTtl === undefined ? [] : [`leases for ${maxTtl}`]),
  ]
  return Object.freeze({
    ...names,
    rate,
    rateText: String(rateText ?? ''),
    leases: typeof leases === 'number' ? leases : Infinity,
    maxTtlMs,
    text: parts.join('; '),
  })
}

function parseRate(text: string, burst: number | undefined): Rate {
  const [count = '', unit = ''] = text.split('/')
  return Object.freeze({ count: Number(count), perMs: UNITS_MS.get(unit) ?? 1000, burst: burst ?? Number(count) })
}
