/** What can lie in a {@link Heap}. It knows its own place, so that it is found there without a search. */
export interface Placed {
  /** Index in the heap, which alone writes it; below 0 outside. */
  place: number
}

/** Place of what lies in no heap. */
export const NOWHERE = -1

/**
 * A binary heap: the first of many items at once, and every item out of its middle in O(log n).
 *
 * @example
 * const heap = new Heap<Item>((a, b) => a.dueMs < b.dueMs)
 * heap.add({ dueMs: 5, place: NOWHERE })
 */
export class Heap<T extends Placed> {
  readonly #items: T[] = []
  readonly #isBefore: (a: T, b: T) => boolean

  /** @param isBefore - A strict order. It must not change for an item that lies in the heap, but by {@link moved}. */
  constructor(isBefore: (a: T, b: T) => boolean) {
    this.#isBefore = isBefore
  }

  get size(): number {
    return this.#items.length
  }

  /** No item is before it; `undefined` in an empty heap. */
  get first(): T | undefined {
    return this.#items[0]
  }

  add(item: T): void {
    this.#items.push(item)
    this.#rise(item, this.#items.length - 1)
  }

  /** Takes `item`, which lies in this heap, out of it. */
  remove(item: T): void {
    const last = this.#items.pop()
    const { place } = item
    item.place = NOWHERE
    if (last === undefined || last === item) return
    last.place = place
    this.moved(last)
  }

  /** Puts `item`, whose order has changed or which stands in a new place, where it belongs. */
  moved(item: T): void {
    const { place } = item
    this.#rise(item, place)
    if (item.place === place) this.#sink(item, place)
  }

  /** Takes all items out. */
  clear(): void {
    for (const item of this.#items) item.place = NOWHERE
    this.#items.length = 0
  }

  #rise(item: T, from: number): void {
    let place = from
    while (place > 0) {
      const above = (place - 1) >> 1
      const parent = this.#items[above] as T
      if (!this.#isBefore(item, parent)) break
      this.#put(parent, place)
      place = above
    }
    this.#put(item, place)
  }

  #sink(item: T, from: number): void {
    let place = from
    for (let below = this.#earlierChild(place); below !== NOWHERE; below = this.#earlierChild(place)) {
      const child = this.#items[below] as T
      if (!this.#isBefore(child, item)) break
      this.#put(child, place)
      place = below
    }
    this.#put(item, place)
  }

  #earlierChild(place: number): number {
    const left = 2 * place + 1
    const right = left + 1
    if (right < this.#items.length) {
      return this.#isBefore(this.#items[right] as T, this.#items[left] as T) ? right : left
    }
    return left < this.#items.length ? left : NOWHERE
  }

  #put(item: T, place: number): void {
    this.#items[place] = item
    item.place = place
  }
}
