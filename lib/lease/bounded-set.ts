/** A set that forgets its oldest members beyond `max`. For hints, which may be lost. */
export class BoundedSet {
  readonly #members = new Set<string>()
  readonly #max: number

  constructor(max: number) {
    this.#max = max
  }

  has(member: string): boolean {
    return this.#members.has(member)
  }

  add(member: string): void {
    if (this.#members.has(member)) return
    if (this.#members.size >= this.#max) {
      const [oldest] = this.#members
      if (oldest !== undefined) this.#members.delete(oldest)
    }
    this.#members.add(member)
  }

  delete(member: string): void {
    this.#members.delete(member)
  }
}
