import { hasEndAt, hasPrefixAt, type OpenEntry, type PathNode } from './node.ts'
import { type PathTree, REMEMBERS_FROM } from './tree.ts'

/**
 * Finds every pattern of a tree that matches a path.
 *
 * Of nodes that are alike it looks at one, unless there is something to be found below: the cost is bounded by the rules
 * and by what matches.
 */
export class AllSearch<T> {
  readonly found: OpenEntry<T>[] = []
  readonly #tree: PathTree<T>
  readonly #segments: readonly string[]
  #barren: Set<number> | undefined
  #visits = 0

  constructor(tree: PathTree<T>, path: string) {
    this.#tree = tree
    this.#segments = path.split('/')
    this.#visit(tree.root, 0)
  }

  #visit(node: PathNode<T>, depth: number): void {
    const left = this.#segments.length - depth
    if (!hasEndAt(node, left) && !hasPrefixAt(node, left)) return
    this.#tree.tally.visits += 1
    this.#visits += 1
    const key = this.#visits < REMEMBERS_FROM ? undefined : this.#tree.kinship(node, depth)
    if (key !== undefined && this.#barren?.has(key) === true) return
    const before = this.found.length
    this.#collect(node, depth)
    if (key === undefined || this.found.length > before) return
    this.#barren ??= new Set()
    this.#barren.add(key)
  }

  #collect(node: PathNode<T>, depth: number): void {
    const segment = this.#segments[depth]
    if (segment === undefined) {
      if (node.end !== undefined) this.found.push(node.end)
      return
    }
    node.prefixes?.collect(segment, this.#tree.tally, this.found)
    const child = node.children?.get(segment)
    if (child !== undefined) this.#visit(child, depth + 1)
    if (node.plus !== undefined) this.#visit(node.plus, depth + 1)
  }
}
