import type { Clock } from '../../ports/clock.ts'

/** Resolves with `work`, or when the time is over; `work` goes on then. Rejects as it does. */
export async function within(clock: Clock, limitMs: number, work: Promise<unknown>): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const limit = clock.after(limitMs, resolve)
  try {
    await Promise.race([work, promise])
  } finally {
    limit.cancel()
  }
}
