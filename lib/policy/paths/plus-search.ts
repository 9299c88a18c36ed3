import { hasEndAt, hasPrefixAt, type PathEntry, type PathNode } from './node.ts'
import { type PathTree, REMEMBERS_FROM } from './tree.ts'

/** How a pattern goes on from some node, told by the path that it matches. */
interface Rest {
  readonly plusCount: number
  /** Bytes of UTF-8, with a slash for each segment. */
  readonly length: number
  /** What the pattern has for the path's segment; `undefined` where it ends, or has a part of it and `*`. */
  readonly step: 'itself' | 'plus' | undefined
  readonly next: Rest | undefined
}

const END: Rest = { plusCount: 0, length: 0, step: undefined, next: undefined }

/**
 * Finds, below a `+`, the pattern that the server lets win for a path.
 *
 * Of nodes that are alike it looks at one: the cost is bounded by the rules, not by the number of ways through them.
 */
export class PlusSearch<T> {
  readonly #tree: PathTree<T>
  readonly #segments: readonly string[]
  readonly #isForPrefix: boolean
  #known: Map<number, Rest | undefined> | undefined
  #visits = 0

  /** @param isForPrefix - Looks for patterns that end in `*`; else for those that do not. */
  constructor(tree: PathTree<T>, segments: readonly string[], isForPrefix: boolean) {
    this.#tree = tree
    this.#segments = segments
    this.#isForPrefix = isForPrefix
  }

  /** The entry below `node`, which stands at `depth`: fewest `+`, then longest, then largest by bytes. */
  best(node: PathNode<T>, depth: number): PathEntry<T> | undefined {
    const rest = this.#rest(node, depth)
    return rest && this.#entry(node, depth, rest)
  }

  #rest(node: PathNode<T>, depth: number): Rest | undefined {
    const left = this.#segments.length - depth
    if (!(this.#isForPrefix ? hasPrefixAt(node, left) : hasEndAt(node, left))) return undefined
    this.#tree.tally.visits += 1
    this.#visits += 1
    const key = this.#visits < REMEMBERS_FROM ? undefined : this.#tree.kinship(node, depth)
    if (key === undefined) return this.#restOf(node, depth)
    this.#known ??= new Map()
    if (this.#known.has(key)) return this.#known.get(key)
    const rest = this.#restOf(node, depth)
    this.#known.set(key, rest)
    return rest
  }

  #restOf(node: PathNode<T>, depth: number): Rest | undefined {
    const segment = this.#segments[depth]
    // Only where a pattern ends does a search get so far.
    if (segment === undefined) return END
    const child = node.children?.get(segment)
    const literal = child && before(this.#rest(child, depth + 1), 'itself', segment)
    const plus = node.plus && before(this.#rest(node.plus, depth + 1), 'plus', segment)
    const best = preferred(literal, plus, segment)
    if (!this.#isForPrefix || best?.plusCount === 0) return best
    const part = node.prefixes?.longest(segment, this.#tree.tally)
    return part === undefined ? best : { ...END, length: byteLength(part.pattern.segments.at(-1) ?? '') }
  }

  #entry(start: PathNode<T>, from: number, found: Rest): PathEntry<T> | undefined {
    let node: PathNode<T> | undefined = start
    let depth = from
    for (let rest: Rest | undefined = found; rest?.step !== undefined; rest = rest.next) {
      node = rest.step === 'plus' ? node?.plus : node?.children?.get(this.#segments[depth] ?? '')
      depth += 1
    }
    return this.#isForPrefix ? node?.prefixes?.longest(this.#segments[depth] ?? '', this.#tree.tally) : node?.end
  }
}

function before(next: Rest | undefined, step: 'itself' | 'plus', segment: string): Rest | undefined {
  if (next === undefined) return undefined
  const isPlus = step === 'plus'
  const length = next.length + 1 + (isPlus ? 1 : byteLength(segment))
  return { plusCount: next.plusCount + Number(isPlus), length, step, next }
}

/** Of two patterns alike up to here, the one with `segment` next or the one with `+`. */
function preferred(literal: Rest | undefined, plus: Rest | undefined, segment: string): Rest | undefined {
  if (literal === undefined || plus === undefined) return literal ?? plus
  const rank = plus.plusCount - literal.plusCount || literal.length - plus.length
  // By bytes, as the server: `+` is one byte, no literal segment begins with it, and all that is no ASCII comes after it.
  return rank > 0 || (rank === 0 && segment > '+') ? literal : plus
}

function byteLength(text: string): number {
  let length = 0
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at)
    const isHalf = unit >= 0xd800 && unit < 0xe000
    length += unit < 0x80 ? 1 : unit < 0x800 || isHalf ? 2 : 3
  }
  return length
}
