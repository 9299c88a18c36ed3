/** A call that has been put off. */
export interface Timer {
  /** Not run any more; no effect when it has run. */
  cancel(): void
}

/** The only source of time. No clock starts at 0: lru-cache takes a stamp of 0 for "never ends". */
export interface Clock {
  /** Monotonic milliseconds, above 0; for durations and ends. */
  now(): number
  /** Milliseconds since 1970, by the wall clock; for audit entries and as second witness. */
  wallTime(): number
  /** Runs `run` once, `delayMs` from now (0 or more, any size). Does not keep the process alive. */
  after(delayMs: number, run: () => void): Timer
}
