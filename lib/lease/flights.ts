/** One call under way, and how many wait for it. */
export interface Flight<T> {
  readonly outcome: Promise<T>
  /** Calls that have not finished with the outcome yet. */
  waiting: number
}

/** Calls under way, at most one a key. */
export interface Flights<T> {
  /** The flight of `key`, joined. */
  join(key: string): Flight<T> | undefined
  has(key: string): boolean
  /** Starts the one flight of `key`. It ends when its promise settles, whoever still waits. */
  start(key: string, run: () => Promise<T>): Flight<T>
  readonly size: number
}

export function createFlights<T>(): Flights<T> {
  const flights = new Map<string, Flight<T>>()
  return {
    get size(): number {
      return flights.size
    },
    has: (key) => flights.has(key),
    join(key): Flight<T> | undefined {
      const flight = flights.get(key)
      if (flight !== undefined) flight.waiting += 1
      return flight
    },
    start(key, run): Flight<T> {
      const outcome = run().finally(() => flights.delete(key))
      // Every waiter may have gone by the time it fails; each records the failure for itself.
      outcome.catch(() => {})
      const flight = { outcome, waiting: 1 }
      flights.set(key, flight)
      return flight
    },
  }
}
