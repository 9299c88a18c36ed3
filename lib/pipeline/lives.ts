import type { Verdict } from '../policy/engine.ts'
import type { Exchange } from './sender.ts'

/** How long what was answered lives, from when it was sent: the earlier of its lease's and its token's end. */
export function livesMs({ answer, token, sentAt }: Exchange): number {
  if (answer.leaseId === '') return Infinity
  const tokenLivesMs = token === undefined ? Infinity : token.fate.endsAtMs - sentAt.nowMs
  return Math.min(answer.leaseDurationMs, tokenLivesMs)
}

/** How long who is given it may have it: that long, or until a rule ends it. */
export function givenMs(exchange: Exchange, { maxTtlMs = Infinity }: Pick<Verdict, 'maxTtlMs'>): number {
  return exchange.answer.leaseId === '' ? Infinity : Math.min(livesMs(exchange), maxTtlMs)
}
