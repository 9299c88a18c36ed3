/**
 * Lets so much be under way at once; what would be more waits, in the order it came.
 *
 * What one piece of work costs is the caller's to say: 1 where calls are counted, bytes where these are. One that costs
 * more than there is room for goes alone.
 */
export class Turns {
  readonly #max: number
  #taken = 0
  readonly #waiting: { readonly cost: number; readonly go: () => void }[] = []

  constructor(max: number) {
    this.#max = max
  }

  /** `undefined` where it is one's turn at once. Each turn is to be given back by {@link end}, with the same `cost`. */
  begin(cost: number): Promise<void> | undefined {
    if (this.#waiting.length === 0 && this.#hasRoom(cost)) {
      this.#taken += cost
      return undefined
    }
    return new Promise((go) => {
      this.#waiting.push({ cost, go })
    })
  }

  end(cost: number): void {
    this.#taken -= cost
    for (let next = this.#waiting[0]; next !== undefined && this.#hasRoom(next.cost); next = this.#waiting[0]) {
      this.#waiting.shift()
      this.#taken += next.cost
      next.go()
    }
  }

  #hasRoom(cost: number): boolean {
    return this.#taken === 0 || this.#taken + cost <= this.#max
  }
}
