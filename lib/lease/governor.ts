/** Bound on renewals. */
export interface GovernorOptions {
  /** Renewals a second that go through in the long run; above 0. `Infinity`: no bound. */
  readonly perSecond: number
  /** Renewals that may go at once after a quiet time; a whole number, 1 or more. */
  readonly burst: number
}

/** Spaces renewals out. */
export interface Governor {
  /**
   * How long the next renewal has to wait; it then counts as gone.
   *
   * @param nowMs - Reading of the monotonic {@link Clock}.
   * @returns Milliseconds, 0 or more, not rounded: rounding would move some of them closer together.
   */
  delay(nowMs: number): number
}

/**
 * A token bucket over a clock that is read by the caller.
 *
 * Leases that were taken in one burst, or that a freeze has made due together, must not reach the
 * server together. In any stretch of `w` ms no more than `burst + w * perSecond / 1000` go. Who asks is
 * given a turn and never refused, so the turns of a long queue lie in the future: a lease whose turn comes
 * after its grace is the caller's to notice. Deterministic; reads no clock.
 *
 * @throws {RangeError} naming the option that is out of its range.
 *
 * @example
 * const governor = createGovernor({ perSecond: 10, burst: 2 })
 * governor.delay(1_000) // 0
 * governor.delay(1_000) // 0
 * governor.delay(1_000) // 100
 */
export function createGovernor({ perSecond, burst }: GovernorOptions): Governor {
  if (!(perSecond > 0)) throw new RangeError(`perSecond must be above 0, got ${perSecond}`)
  if (!(Number.isSafeInteger(burst) && burst >= 1)) throw new RangeError(`burst must be 1 or more, got ${burst}`)
  const spacingMs = 1000 / perSecond
  const slackMs = (burst - 1) * spacingMs
  // When the bucket would be full again: each turn moves it by one spacing.
  let fullAtMs = Number.NEGATIVE_INFINITY
  return {
    delay(nowMs): number {
      const turnAtMs = Math.max(nowMs, fullAtMs - slackMs)
      fullAtMs = Math.max(fullAtMs, turnAtMs) + spacingMs
      return turnAtMs - nowMs
    },
  }
}
