import type { Clock } from '../ports/clock.ts'

/** Did `work` settle within `limitMs`? Rejects as `work` does; what it does after the limit is ignored. */
export async function withinLimit(work: Promise<unknown>, limitMs: number, clock: Clock): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<false>()
  const timer = clock.after(limitMs, () => resolve(false))
  try {
    return await Promise.race([work.then(() => true), promise])
  } finally {
    timer.cancel()
  }
}
