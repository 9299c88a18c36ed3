import { clockOf } from '../lease/clock-of.ts'
import { isBoundable, Kept } from '../lease/kept.ts'
import { forgetKey } from '../lease/key.ts'
import { mayKeep } from '../lease/sharing.ts'
import type { Call } from './call.ts'
import { livesMs } from './lives.ts'
import type { Exchange } from './sender.ts'

/** What a flight brought: an answer, kept where it may be. */
export interface Landed {
  readonly exchange: Exchange
  readonly kept: Kept | undefined
  /** Calls that were given it. */
  taken: number
}

/** What came of an exchange for all who ask for `key`. */
export interface Arrival {
  /** `undefined` for what serves its caller alone. */
  readonly kept: Kept | undefined
  /** It has no lease: nobody need wait for another's answer. */
  readonly isStatic: boolean
}

export function arrive(call: Call, key: string, exchange: Exchange): Arrival {
  const { answer, sentAt, token } = exchange
  const { request, verdict, isHeld = false } = call
  const { kind, ttlMs } = clockOf(answer, sentAt.nowMs, sentAt.wallMs)
  const isStatic = kind === 'none' || kind === 'static-role'
  const isWanted = kind === 'lease' || verdict.cache !== undefined || (isHeld && kind !== 'none')
  const isLiving = kind === 'lease' ? livesMs(exchange) > 0 : ttlMs > 0
  if (!mayKeep(answer) || !isWanted || !isLiving) return { kept: undefined, isStatic }
  forgetKey(request)
  const { maxTtlMs = Infinity } = isBoundable(kind) ? verdict : {}
  const kept = new Kept(answer, { request, key, sentAt, livesMs: ttlMs, kind, maxTtlMs, fate: token?.fate })
  return { kept, isStatic }
}
