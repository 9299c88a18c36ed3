/** Children that look alike and are more than this become one `+`. */
export const SIBLINGS_MAX = 5
/** Above it names are mounts and the verbs of secrets engines, not ids. */
const IDS_FROM_DEPTH = 2

/** What was done at one path. */
export interface PathSeen<T> {
  readonly path: string
  readonly seen: T
}

interface Node<T> {
  readonly children: Map<string, Node<T>>
  seen: T | undefined
}

/** How what was seen at several paths becomes one. */
export interface PathSeenKind<T> {
  merge(into: T, from: T): void
  /** Paths are alike only where this is the same. */
  likeness(seen: T): string
  empty(): T
}

/**
 * The fewest paths that cover those seen, in the syntax of policies: where ids vary, one segment becomes `+`.
 *
 * Names are ids where they look like one (a number, a UUID, a long hex), or where more than {@link SIBLINGS_MAX} stand side
 * by side and look alike: the same was done to each, and beneath each. A mount, and what comes right after it, stays as it is.
 */
export function generalised<T>(paths: readonly PathSeen<T>[], kind: PathSeenKind<T>): readonly PathSeen<T>[] {
  const root: Node<T> = { children: new Map(), seen: undefined }
  for (const { path, seen } of paths) {
    let node = root
    for (const segment of path.split('/')) node = childOf(node, segment)
    if (node.seen === undefined) node.seen = kind.empty()
    kind.merge(node.seen, seen)
  }
  join(root, 0, kind)
  return flat(root, [])
}

function childOf<T>(node: Node<T>, segment: string): Node<T> {
  let child = node.children.get(segment)
  if (child === undefined) {
    child = { children: new Map(), seen: undefined }
    node.children.set(segment, child)
  }
  return child
}

/** From below, so that children look alike once what varies beneath them has been joined. */
function join<T>(node: Node<T>, depth: number, kind: PathSeenKind<T>): void {
  for (const child of node.children.values()) join(child, depth + 1, kind)
  const alike = Map.groupBy(
    [...node.children].filter(([name]) => name !== ''),
    ([, child]) => likenessOf(child, kind),
  )
  for (const group of alike.values()) {
    const isMany = depth >= IDS_FROM_DEPTH && group.length > SIBLINGS_MAX
    const ids = isMany ? group : depth === 0 ? [] : group.filter(([name]) => looksLikeId(name))
    if (ids.length < 2) continue
    const plus = childOf(node, '+')
    for (const [name, child] of ids) {
      mergeInto(plus, child, kind)
      node.children.delete(name)
    }
  }
}

function mergeInto<T>(into: Node<T>, from: Node<T>, kind: PathSeenKind<T>): void {
  if (from.seen !== undefined) {
    into.seen ??= kind.empty()
    kind.merge(into.seen, from.seen)
  }
  for (const [name, child] of from.children) mergeInto(childOf(into, name), child, kind)
}

function likenessOf<T>({ children, seen }: Node<T>, kind: PathSeenKind<T>): string {
  const below = [...children].map(([name, child]) => [name, likenessOf(child, kind)]).sort()
  return JSON.stringify([seen === undefined ? '' : kind.likeness(seen), below])
}

function looksLikeId(name: string): boolean {
  return /^(?:\d+|[0-9a-f]{16,}|[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12})$/i.test(name)
}

function flat<T>({ children, seen }: Node<T>, segments: readonly string[]): readonly PathSeen<T>[] {
  const own = seen === undefined ? [] : [{ path: segments.join('/'), seen }]
  return [...own, ...[...children].flatMap(([name, child]) => flat(child, [...segments, name]))]
}
