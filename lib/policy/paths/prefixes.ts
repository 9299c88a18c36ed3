/** Counts the nodes that look-ups pass: their cost without a clock. */
export interface Tally {
  visits: number
}

/** A text, and those it begins with. */
interface Link<T> {
  readonly text: string
  readonly value: T
  /** The longest other text that this one begins with. */
  parent: Link<T> | undefined
  /** One further up, so chosen that any of them is found in steps of the logarithm of their number. */
  jump: Link<T> | undefined
  /** How many texts this one begins with, itself among them. */
  rank: number
}

/**
 * Texts and what stands at them, found by a text that begins with them.
 *
 * Sorted: what a text begins with stands before it, and between the two nothing but what begins so, too. So the longest
 * is the one right before it, or one that this begins with. Costs the logarithm of their number, whatever they have in
 * common.
 */
export class Prefixes<T> {
  readonly #links: Link<T>[] = []
  #isLinked = true

  /** What stands at `text`; `make` is asked where nothing does yet. */
  at(text: string, make: () => T): T {
    const before = this.#before(text)
    const found = this.#links[before - 1]
    if (found?.text === text) return found.value
    const link: Link<T> = { text, value: make(), parent: undefined, jump: undefined, rank: 1 }
    this.#links.splice(before, 0, link)
    this.#isLinked = false
    return link.value
  }

  /** What stands at the longest text that `text` begins with. */
  longest(text: string, tally: Tally): T | undefined {
    return this.#longest(text, tally)?.value
  }

  /** Adds to `found` what stands at every text that `text` begins with. */
  collect(text: string, tally: Tally, found: T[]): void {
    for (let link = this.#longest(text, tally); link !== undefined; link = link.parent) {
      tally.visits += 1
      found.push(link.value)
    }
  }

  /** Texts and what stands at them, sorted by the texts. */
  *entries(): Generator<readonly [text: string, value: T]> {
    for (const { text, value } of this.#links) yield [text, value]
  }

  #longest(text: string, tally: Tally): Link<T> | undefined {
    this.#link()
    let link = this.#links[this.#before(text, tally) - 1]
    while (link !== undefined && !text.startsWith(link.text)) {
      tally.visits += 1
      const { jump, parent } = link
      link = jump !== undefined && !text.startsWith(jump.text) ? jump : parent
    }
    return link
  }

  /** How many texts do not come after `text`. */
  #before(text: string, tally?: Tally): number {
    let [low, high] = [0, this.#links.length]
    while (low < high) {
      if (tally !== undefined) tally.visits += 1
      const middle = (low + high) >> 1
      if ((this.#links[middle]?.text ?? '') > text) high = middle
      else low = middle + 1
    }
    return low
  }

  #link(): void {
    if (this.#isLinked) return
    let last: Link<T> | undefined
    for (const link of this.#links) {
      while (last !== undefined && !link.text.startsWith(last.text)) last = last.parent
      link.parent = last
      link.rank = (last?.rank ?? 0) + 1
      link.jump = jumpFrom(last)
      last = link
    }
    this.#isLinked = true
  }
}

/** Where a link below `parent` jumps to: as far again as its parent and that one's target do, if these go equally far. */
function jumpFrom<T>(parent: Link<T> | undefined): Link<T> | undefined {
  const first = parent?.jump
  const second = first?.jump
  const isEven = (parent?.rank ?? 0) - (first?.rank ?? 0) === (first?.rank ?? 0) - (second?.rank ?? 0)
  return isEven ? second : parent
}
