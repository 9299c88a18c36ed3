import type { Exchange } from './sender.ts'

/** How long what was answered lives, from when it was sent: the earlier of its lease's and its token's end. */
export function livesMs({ answer, token, sentAt }: Exchange): number {
  if (answer.leaseId === '') return Infinity
  const tokenLivesMs = token === undefined ? Infinity : token.fate.endsAtMs - sentAt.nowMs
  return Math.min(answer.leaseDurationMs, tokenLivesMs)
}
