/** Runs work, so much of it at once for each key; the rest waits in order. */
export type Limiter = <T>(key: string, work: () => Promise<T>) => Promise<T>

/** One mount that hangs must not hold up the others, nor be asked a thousand things at once. */
export function createLimiter(atOnce: number): Limiter {
  const lanes = new Map<string, { running: number; readonly waiting: (() => void)[] }>()
  return async (key, work) => {
    const lane = lanes.get(key) ?? { running: 0, waiting: [] }
    lanes.set(key, lane)
    if (lane.running >= atOnce) await new Promise<void>((resolve) => lane.waiting.push(resolve))
    else lane.running += 1
    try {
      return await work()
    } finally {
      const next = lane.waiting.shift()
      if (next !== undefined) next()
      else if (--lane.running === 0) lanes.delete(key)
    }
  }
}
