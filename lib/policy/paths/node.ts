import type { Pattern } from '../pattern.ts'
import { Prefixes } from './prefixes.ts'

/** What stands at one pattern. */
export interface PathEntry<T> {
  readonly pattern: Pattern
  readonly values: readonly T[]
}

/** An entry that still takes values. */
export interface OpenEntry<T> extends PathEntry<T> {
  readonly values: T[]
}

/** A place in a tree of patterns, reached by their segments. */
export interface PathNode<T> {
  children: Map<string, PathNode<T>> | undefined
  plus: PathNode<T> | undefined
  /** A pattern that ends here. */
  end: OpenEntry<T> | undefined
  /** Patterns `…/ba*` whose last, partial segment stands at this depth, by that part. */
  prefixes: Prefixes<OpenEntry<T>> | undefined
  /** Segments from here to the nearest and to the farthest end below. */
  nearestEnd: number
  farthestEnd: number
  /** Segments, the partial one included, from here to the nearest prefix below. */
  nearestPrefix: number
  /** The same for nodes below which the same patterns go on; 0 below no `+`, and where it is not worked out. */
  shape: number
}

/** A node with nothing below it. */
export function newNode<T>(): PathNode<T> {
  return {
    ...{ children: undefined, plus: undefined, end: undefined, prefixes: undefined },
    ...{ nearestEnd: 1 << 20, farthestEnd: -1, nearestPrefix: 1 << 20, shape: 0 },
  }
}

/** Can a pattern below `node` that does not end in `*` match a path of which `left` segments are left? */
export function hasEndAt({ nearestEnd, farthestEnd }: PathNode<unknown>, left: number): boolean {
  return left >= nearestEnd && left <= farthestEnd
}

/** Can a pattern below `node` that ends in `*` match it? */
export function hasPrefixAt({ nearestPrefix }: PathNode<unknown>, left: number): boolean {
  return left >= nearestPrefix
}

/** The entry for `pattern`, which has a wildcard, below `root`; made where there was none. */
export function grownEntry<T>(root: PathNode<T>, pattern: Pattern): OpenEntry<T> {
  const { segments, isPrefix } = pattern
  const inner = isPrefix ? segments.length - 1 : segments.length
  let node = root
  note(node, isPrefix, segments.length)
  for (let depth = 0; depth < inner; depth += 1) {
    node = grownChild(node, segments[depth] ?? '')
    note(node, isPrefix, segments.length - depth - 1)
  }
  const make = (): OpenEntry<T> => ({ pattern, values: [] })
  if (isPrefix) {
    node.prefixes ??= new Prefixes()
    return node.prefixes.at(segments[inner] ?? '', make)
  }
  node.end ??= make()
  return node.end
}

function note(node: PathNode<unknown>, isPrefix: boolean, left: number): void {
  if (isPrefix) {
    node.nearestPrefix = Math.min(node.nearestPrefix, left)
    return
  }
  node.nearestEnd = Math.min(node.nearestEnd, left)
  node.farthestEnd = Math.max(node.farthestEnd, left)
}

function grownChild<T>(node: PathNode<T>, segment: string): PathNode<T> {
  if (segment === '+') {
    node.plus ??= newNode()
    return node.plus
  }
  node.children ??= new Map()
  let child = node.children.get(segment)
  if (child === undefined) {
    child = newNode()
    node.children.set(segment, child)
  }
  return child
}

/** Entries at `root` and below, in no order. */
export function* entriesBelow<T>(root: PathNode<T>): Generator<PathEntry<T>> {
  const open = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.end !== undefined) yield node.end
    for (const [, entry] of node.prefixes?.entries() ?? []) yield entry
    if (node.plus !== undefined) open.push(node.plus)
    for (const child of node.children?.values() ?? []) open.push(child)
  }
}
