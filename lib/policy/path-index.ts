import { AllSearch } from './paths/all-search.ts'
import { entriesBelow, grownEntry, type OpenEntry, type PathEntry, type PathNode } from './paths/node.ts'
import { PlusSearch } from './paths/plus-search.ts'
import { PathTree } from './paths/tree.ts'
import type { Pattern } from './pattern.ts'

export type { PathEntry } from './paths/node.ts'

/** Finds what stands at the patterns that match a path. */
export interface PathLookup<T> {
  /** The entry whose pattern is `path` itself. */
  exact(path: string): PathEntry<T> | undefined
  /** Entries with a wildcard that match `path`, in no order. */
  wildcards(path: string): readonly PathEntry<T>[]
  /** Of these, the one that the server lets win, by the order of `comparePatterns`. */
  best(path: string): PathEntry<T> | undefined
  /** Everything, in no order. */
  entries(): Iterable<PathEntry<T>>
}

/**
 * Patterns by path segment: finding what matches costs by the length of the path, not by the number of patterns.
 *
 * `+` also stands for an empty last segment, as at the server: `a/+` matches `a/`.
 */
export class PathIndex<T> implements PathLookup<T> {
  readonly #exact = new Map<string, OpenEntry<T>>()
  readonly #tree = new PathTree<T>()

  /** Nodes that look-ups have passed so far: what they cost, without a clock. */
  get visits(): number {
    return this.#tree.tally.visits
  }

  add(pattern: Pattern, value: T): void {
    this.#entry(pattern).values.push(value)
  }

  exact(path: string): PathEntry<T> | undefined {
    return this.#exact.get(path)
  }

  wildcards(path: string): readonly PathEntry<T>[] {
    return new AllSearch(this.#tree, path).found
  }

  /**
   * The pattern whose first wildcard comes last wins. So it follows the path's own segments as far as patterns have them,
   * and then goes back node by node: the first that has a match has the winner.
   */
  best(path: string): PathEntry<T> | undefined {
    const segments = path.split('/')
    const trunk = this.#trunk(segments)
    const ends = new PlusSearch(this.#tree, segments, false)
    const prefixes = new PlusSearch(this.#tree, segments, true)
    for (let depth = trunk.length - 1; depth >= 0; depth -= 1) {
      const { plus, prefixes: parts } = trunk[depth] ?? this.#tree.root
      const part = parts?.longest(segments[depth] ?? '', this.#tree.tally)
      // `a/b*` before `a/+`, and that before `a/*`, which stands before `a/+/*`.
      if (part !== undefined && part.pattern.segments.at(-1) !== '') return part
      const found = (plus && ends.best(plus, depth + 1)) ?? part ?? (plus && prefixes.best(plus, depth + 1))
      if (found !== undefined) return found
    }
    return undefined
  }

  *entries(): Generator<PathEntry<T>> {
    yield* this.#exact.values()
    yield* entriesBelow(this.#tree.root)
  }

  #entry(pattern: Pattern): OpenEntry<T> {
    if (!pattern.isExact) {
      this.#tree.grew()
      return grownEntry(this.#tree.root, pattern)
    }
    let entry = this.#exact.get(pattern.text)
    if (entry === undefined) {
      entry = { pattern, values: [] }
      this.#exact.set(pattern.text, entry)
    }
    return entry
  }

  /** The nodes that literal segments lead to, one for each segment of the path at most; root first. */
  #trunk(segments: readonly string[]): readonly PathNode<T>[] {
    const trunk: PathNode<T>[] = []
    let node: PathNode<T> | undefined = this.#tree.root
    for (let depth = 0; depth < segments.length && node !== undefined; depth += 1) {
      trunk.push(node)
      node = node.children?.get(segments[depth] ?? '')
    }
    this.#tree.tally.visits += trunk.length
    return trunk
  }
}
