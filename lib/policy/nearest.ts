/** Longer names are not mistyped, and comparing takes the square of their length. */
const NAME_MAX_LENGTH = 64

/** ` (did you mean "rules"?)` where one of `known` is near `name`, else nothing. */
export function suggestion(name: string, known: readonly string[]): string {
  if (name.length > NAME_MAX_LENGTH) return ''
  let best: string | undefined
  let bestDistance = Math.min(3, Math.ceil(name.length / 2) + 1)
  for (const candidate of known) {
    const distance = editDistance(name.toLowerCase(), candidate.toLowerCase())
    if (distance < bestDistance) [best, bestDistance] = [candidate, distance]
  }
  return best === undefined ? '' : ` (did you mean ${JSON.stringify(best)}?)`
}

/** Letters to change, add or drop to make `b` of `a`. Long names are no typing errors: they are far from everything. */
function editDistance(a: string, b: string): number {
  if (Math.abs(a.length - b.length) > 2) return Infinity
  let row = Array.from({ length: b.length + 1 }, (_, at) => at)
  for (let i = 1; i <= a.length; i += 1) {
    const next = [i]
    for (let j = 1; j <= b.length; j += 1) {
      const changed = (row[j - 1] ?? 0) + (a[i - 1] === b[j - 1] ? 0 : 1)
      next.push(Math.min(changed, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return row[b.length] ?? Infinity
}
