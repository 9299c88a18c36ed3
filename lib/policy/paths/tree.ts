import { newNode, type PathNode } from './node.ts'
import type { Tally } from './prefixes.ts'
import { numberShapes } from './shapes.ts'

/** Visits of one search before it remembers what it found: most end sooner. */
export const REMEMBERS_FROM = 64
/** More than the segments of any path. */
const DEPTHS = 1 << 13

/** A tree of patterns, and what look-ups in it have cost so far. */
export class PathTree<T> {
  readonly root: PathNode<T> = newNode()
  readonly tally: Tally = { visits: 0 }
  #isNumbered = false

  /** To be told when the tree has grown. */
  grew(): void {
    this.#isNumbered = false
  }

  /**
   * What nodes share below which one path finds the same; `undefined` for nodes that stand below no `+`, each of which
   * one path reaches in one way at most.
   */
  kinship(node: PathNode<T>, depth: number): number | undefined {
    if (!this.#isNumbered) numberShapes(this.root)
    this.#isNumbered = true
    return node.shape === 0 ? undefined : node.shape * DEPTHS + depth
  }
}
