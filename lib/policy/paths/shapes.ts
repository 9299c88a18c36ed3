import type { PathNode } from './node.ts'

/**
 * Numbers the nodes below every `+`, so that two have the same number exactly where the same patterns go on below them.
 *
 * Patterns with a `+` or a literal at each of many depths make a tree of twice as many nodes at each of them. A search
 * that knows which are alike looks at one of each.
 */
export function numberShapes<T>(root: PathNode<T>): void {
  const numbers = new Map<string, number>()
  const open = [root]
  for (let node = open.pop(); node !== undefined; node = open.pop()) {
    if (node.plus !== undefined) numbered(node.plus, numbers)
    for (const child of node.children?.values() ?? []) open.push(child)
  }
}

/** Goes as deep as the longest pattern, whose length the policy schema bounds. */
function numbered<T>(node: PathNode<T>, numbers: Map<string, number>): number {
  const plus = node.plus === undefined ? 0 : numbered(node.plus, numbers)
  const children = [...(node.children ?? [])].map(([segment, child]) => [segment, numbered(child, numbers)] as const)
  const parts = [...(node.prefixes?.entries() ?? [])].map(([part]) => part)
  children.sort(([a], [b]) => (a < b ? -1 : 1))
  const key = JSON.stringify([node.end !== undefined, plus, parts, children])
  let shape = numbers.get(key)
  if (shape === undefined) {
    shape = numbers.size + 1
    numbers.set(key, shape)
  }
  node.shape = shape
  return shape
}
