/** A map that forgets everything when it grows beyond `max`. For memos: cheaper to hit than any order of use. */
export class BoundedMap<V> {
  readonly #max: number
  #entries = new Map<string, V>()

  constructor(max: number) {
    this.#max = max
  }

  get(key: string): V | undefined {
    return this.#entries.get(key)
  }

  set(key: string, value: V): void {
    if (this.#entries.size >= this.#max) this.#entries = new Map()
    this.#entries.set(key, value)
  }

  delete(key: string): void {
    this.#entries.delete(key)
  }
}
