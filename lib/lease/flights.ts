/** Calls under way, at most one a key. */
export interface Flights<T> {
  get(key: string): Promise<T> | undefined
  /** Starts the one flight of `key`. It ends when its promise settles, whoever still waits. */
  start(key: string, run: () => Promise<T>): Promise<T>
  readonly size: number
}

export function createFlights<T>(): Flights<T> {
  const flights = new Map<string, Promise<T>>()
  return {
    get size(): number {
      return flights.size
    },
    get: (key) => flights.get(key),
    start(key, run): Promise<T> {
      const flight = run().finally(() => flights.delete(key))
      flights.set(key, flight)
      // Every waiter may have gone by the time it fails; the failure is recorded by the flight itself.
      flight.catch(() => {})
      return flight
    },
  }
}
