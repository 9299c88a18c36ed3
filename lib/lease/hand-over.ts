import type { Kept } from './kept.ts'
import type { Line } from './line.ts'
import type { Patience } from './patience.ts'

/** First phase: every holder of `line` gets ready for `next`, or it is taken back from all. @returns the refusal. */
export async function prepare(
  { holders }: Line,
  next: Kept,
  patience: Patience,
  limitMs: number,
): Promise<PromiseRejectedResult | undefined> {
  const prepared = Promise.allSettled([...holders].map((holder) => holder.prepare(next)))
  const outcomes = await patience.within(prepared, limitMs)
  const refusal = outcomes?.find((outcome) => outcome.status === 'rejected')
  if (refusal !== undefined) for (const holder of holders) holder.abandon(next)
  return refusal
}

/** Second phase: every holder is told that the successor is current. Resolves when none uses `previous` any more. */
export async function commit({ holders }: Line, previous: Kept, patience: Patience, limitMs: number): Promise<void> {
  const leaving = Promise.allSettled([...holders].map((holder) => holder.commit(previous)))
  for (const holder of holders) holder.rotated()
  await patience.within(leaving, limitMs)
}
