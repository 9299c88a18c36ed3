import type { Clock } from '../ports/clock.ts'

/** What `work` gives, or `undefined` when `limitMs` have gone by first; the work itself goes on. */
export async function before<T>(work: Promise<T>, limitMs: number, clock: Clock): Promise<T | undefined> {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const timer = clock.after(Math.max(0, limitMs), () => resolve(undefined))
  const first = await Promise.race([work, promise])
  timer.cancel()
  return first
}
