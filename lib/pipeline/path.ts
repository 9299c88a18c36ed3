/** Longest path taken, in UTF-16 units. A server's storage keys end long before. */
export const PATH_MAX_LENGTH = 4096

/**
 * What is wrong with a decoded path; `undefined` for a path that may be judged and sent.
 *
 * Legal, since the server keeps them apart: spaces, `?`, `#`, `%`, `\`, `+`, `*`, `a..b`, any other
 * Unicode. Refused: what a server, proxy or log would read as another path.
 */
export function pathProblem(path: string): string | undefined {
  if (path === '') return 'the path is empty'
  if (path.length > PATH_MAX_LENGTH) return `the path is longer than ${PATH_MAX_LENGTH} characters`
  if (path.startsWith('/')) return 'the path starts with a slash; paths are relative to /v1/'
  if (!path.isWellFormed()) return 'the path has a lone surrogate'
  let start = 0
  for (let at = 0; at <= path.length; at += 1) {
    const code = at === path.length ? SLASH : path.charCodeAt(at)
    if (code === SLASH) {
      const problem = segmentProblem(path, start, at)
      if (problem !== undefined) return problem
      start = at + 1
    } else if (code < 0x20 || (code >= 0x7f && code < 0xa0)) {
      return 'the path has a control character'
    }
  }
  return undefined
}

const SLASH = 0x2f
const DOT = 0x2e

/** The last segment may be empty: a trailing slash is kept, and judged as the server does. */
function segmentProblem(path: string, start: number, end: number): string | undefined {
  const length = end - start
  if (length === 0) return end === path.length ? undefined : 'the path has an empty segment'
  const isDots =
    path.charCodeAt(start) === DOT && (length === 1 || (length === 2 && path.charCodeAt(start + 1) === DOT))
  return isDots ? 'the path has a segment `.` or `..`' : undefined
}
