/** A call that has been put off; one can be kept for the whole life of a lease. */
export interface Scheduled {
  /** Not run any more; no effect when it has run. */
  cancel(): void
  /** Moves it to another moment, as if it were new; also puts in anew what has run or was cancelled. @throws as {@link Schedule.at}. */
  reschedule(dueMs: number): void
}

/** What can be put off itself, and so costs nothing more for it. All but `run` is the schedule's. */
export interface Due {
  /** Below 0 while it is not put off; at first -1. */
  place: number
  dueMs: number
  /** Counts insertions, so that what is due together keeps its order. */
  order: number
  run(): void
}

/** Many calls put off on one real timer. */
export interface Schedule {
  /**
   * Runs `run` once the clock reads `dueMs` or more; never within this call, also when that is past.
   *
   * @param dueMs - Reading of the monotonic `Clock`; `Infinity` never comes.
   * @param run - Does not return a promise: nobody would see it reject.
   * @throws {RangeError} `dueMs` is not a number.
   */
  at(dueMs: number, run: () => void): Scheduled
  /** Puts `due` off till `dueMs`, or from where it is to there; else as {@link at}. */
  put(due: Due, dueMs: number): void
  /** `due` is not run any more; no effect when it has run. */
  remove(due: Due): void
  /** Calls that wait, those without a moment (`Infinity`) included. */
  readonly size: number
  /** Drops all that waits. What is put in afterwards never runs, since work in flight may still do so. Idempotent. */
  close(): void
}
