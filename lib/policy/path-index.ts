import type { Pattern } from './pattern.ts'

/** What stands at one pattern. */
export interface PathEntry<T> {
  readonly pattern: Pattern
  readonly values: readonly T[]
}

/** Finds what stands at the patterns that match a path. */
export interface PathLookup<T> {
  /** The entry whose pattern is `path` itself. */
  exact(path: string): PathEntry<T> | undefined
  /** Entries with a wildcard that match `path`, in no order. */
  wildcards(path: string): readonly PathEntry<T>[]
  /** Everything, in no order. */
  entries(): Iterable<PathEntry<T>>
}

interface OpenEntry<T> extends PathEntry<T> {
  readonly values: T[]
}

interface Node<T> {
  readonly children: Map<string, Node<T>>
  plus: Node<T> | undefined
  /** A pattern that ends here. */
  end: OpenEntry<T> | undefined
  /** Patterns `…/ba*` whose last, partial segment stands at this depth, by that part. */
  readonly prefixes: Map<string, OpenEntry<T>>
  /** Lengths of the keys of `prefixes`. */
  readonly prefixLengths: Set<number>
}

/**
 * Patterns by path segment: finding what matches costs by the depth of the path, not by the number of patterns.
 *
 * `+` also stands for an empty last segment, as at the server: `a/+` matches `a/`.
 */
export class PathIndex<T> implements PathLookup<T> {
  readonly #exact = new Map<string, OpenEntry<T>>()
  readonly #root: Node<T> = newNode()

  add(pattern: Pattern, value: T): void {
    this.#entry(pattern).values.push(value)
  }

  exact(path: string): PathEntry<T> | undefined {
    return this.#exact.get(path)
  }

  wildcards(path: string): readonly PathEntry<T>[] {
    const found: PathEntry<T>[] = []
    collect(this.#root, path.split('/'), 0, found)
    return found
  }

  *entries(): Generator<PathEntry<T>> {
    yield* this.#exact.values()
    yield* entriesBelow(this.#root)
  }

  #entry(pattern: Pattern): OpenEntry<T> {
    if (pattern.isExact) return entryIn(this.#exact, pattern.text, pattern)
    const inner = pattern.isPrefix ? pattern.segments.slice(0, -1) : pattern.segments
    let node = this.#root
    for (const segment of inner) node = descend(node, segment)
    if (!pattern.isPrefix) {
      node.end ??= { pattern, values: [] }
      return node.end
    }
    const part = pattern.segments.at(-1) ?? ''
    node.prefixLengths.add(part.length)
    return entryIn(node.prefixes, part, pattern)
  }
}

function collect<T>(node: Node<T>, segments: readonly string[], depth: number, found: PathEntry<T>[]): void {
  const segment = segments[depth]
  if (segment === undefined) {
    if (node.end !== undefined) found.push(node.end)
    return
  }
  for (const length of node.prefixLengths) {
    const entry = length <= segment.length ? node.prefixes.get(segment.slice(0, length)) : undefined
    if (entry !== undefined) found.push(entry)
  }
  const child = node.children.get(segment)
  if (child !== undefined) collect(child, segments, depth + 1, found)
  if (node.plus !== undefined) collect(node.plus, segments, depth + 1, found)
}

function* entriesBelow<T>({ children, plus, end, prefixes }: Node<T>): Generator<PathEntry<T>> {
  if (end !== undefined) yield end
  yield* prefixes.values()
  for (const child of children.values()) yield* entriesBelow(child)
  if (plus !== undefined) yield* entriesBelow(plus)
}

function descend<T>(node: Node<T>, segment: string): Node<T> {
  if (segment === '+') {
    node.plus ??= newNode()
    return node.plus
  }
  let child = node.children.get(segment)
  if (child === undefined) {
    child = newNode()
    node.children.set(segment, child)
  }
  return child
}

function entryIn<T>(entries: Map<string, OpenEntry<T>>, key: string, pattern: Pattern): OpenEntry<T> {
  let entry = entries.get(key)
  if (entry === undefined) {
    entry = { pattern, values: [] }
    entries.set(key, entry)
  }
  return entry
}

function newNode<T>(): Node<T> {
  return { children: new Map(), plus: undefined, end: undefined, prefixes: new Map(), prefixLengths: new Set() }
}
