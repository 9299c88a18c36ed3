/** Special paths of a backend, ready to be asked on each request. */
export interface PathRules {
  has(path: string): boolean
}

const NONE: PathRules = Object.freeze({ has: () => false })

/** Most patterns of one list; a plugin is not trusted to give few. */
const MAX_PATTERNS = 1_000

/**
 * Rules of request paths: exact, a prefix where they end in `*`, and with `wildcards` a `+` for one whole segment.
 *
 * What is no rule at all (a `*` in the middle, a `+` beside other letters) matches nothing, so that a sloppy plugin
 * opens no path by it.
 */
export function pathRules(patterns: readonly string[], wildcards: boolean): PathRules {
  if (patterns.length === 0) return NONE
  const exact = new Set<string>()
  const prefixes: string[] = []
  const segmented: (readonly string[])[] = []
  for (const pattern of patterns.slice(0, MAX_PATTERNS)) {
    if (pattern.slice(0, -1).includes('*')) continue
    if (wildcards && pattern.includes('+')) {
      if (isSegmented(pattern)) segmented.push(pattern.split('/'))
    } else if (pattern.endsWith('*')) prefixes.push(pattern.slice(0, -1))
    else exact.add(pattern)
  }
  return {
    has: (path) =>
      exact.has(path) ||
      prefixes.some((prefix) => path.startsWith(prefix)) ||
      (segmented.length > 0 && matchesAny(segmented, path.split('/'))),
  }
}

function isSegmented(pattern: string): boolean {
  return pattern.split('/').every((segment) => segment === '+' || !segment.includes('+'))
}

function matchesAny(patterns: readonly (readonly string[])[], segments: readonly string[]): boolean {
  return patterns.some((pattern) => matches(pattern, segments))
}

function matches(pattern: readonly string[], segments: readonly string[]): boolean {
  const last = pattern.at(-1) ?? ''
  const isPrefix = last.endsWith('*')
  if (isPrefix ? segments.length < pattern.length : segments.length !== pattern.length) return false
  return pattern.every((part, at) => {
    const segment = segments[at] ?? ''
    if (part === '+') return segment !== ''
    if (isPrefix && at === pattern.length - 1) return segment.startsWith(part.slice(0, -1))
    return part === segment
  })
}
