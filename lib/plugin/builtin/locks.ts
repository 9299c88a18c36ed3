/** Work on one name at a time; different names do not wait for each other. */
export interface Locks {
  /** Runs `work` when all that was asked for `name` before has ended, however it ended. */
  run<T>(name: string, work: () => Promise<T>): Promise<T>
}

/** Makes {@link Locks}. Names in use alone are kept. */
export function createLocks(): Locks {
  const last = new Map<string, Promise<unknown>>()
  return {
    async run(name, work) {
      const before = last.get(name)
      const now = before === undefined ? work() : before.then(work, work)
      last.set(name, now)
      try {
        return await now
      } finally {
        if (last.get(name) === now) last.delete(name)
      }
    },
  }
}
