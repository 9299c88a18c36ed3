import type { Place } from './place.ts'

/** A rule's path, taken apart. */
export interface Pattern {
  readonly text: string
  /** No `+` segment and no trailing `*`: matches itself only. */
  readonly isExact: boolean
  /** Ends in `*`. */
  readonly isPrefix: boolean
  /** Segments, the trailing `*` taken off the last. */
  readonly segments: readonly string[]
  /** Units before the first `+` or `*`. */
  readonly firstWildcard: number
  /** Segments that are `+`. */
  readonly plusCount: number
  /** UTF-8 of the text without trailing `*`; the server compares bytes. */
  readonly bytes: Uint8Array
}

const encoder = new TextEncoder()

/** The pattern in `text`. @throws {PolicyLoadError} for what the server's syntax cannot say, or what could be read two ways. */
export function parsePattern(text: string, place: Place): Pattern {
  const problem = patternProblem(text)
  if (problem !== undefined) throw place.refusal(problem)
  return patternOf(text)
}

/** The pattern in `text`, which is known to be one. */
export function patternOf(text: string): Pattern {
  const isPrefix = text.endsWith('*')
  const bare = isPrefix ? text.slice(0, -1) : text
  const segments = bare.split('/')
  const plusCount = segments.filter((segment) => segment === '+').length
  return Object.freeze({
    text,
    isExact: !isPrefix && plusCount === 0,
    isPrefix,
    segments: Object.freeze(segments),
    firstWildcard: plusCount > 0 ? bare.indexOf('+') : bare.length,
    plusCount,
    bytes: encoder.encode(bare),
  })
}

/**
 * Which of two patterns that match one path the server lets win: above 0 for `a`, below for `b`, 0 for the same pattern.
 *
 * Later first wildcard; then one not ending in `*`; then fewer `+`; then the longer; then the larger by bytes.
 *
 * @see https://openbao.org/docs/concepts/policies/ - priority matching
 */
export function comparePatterns(a: Pattern, b: Pattern): number {
  return (
    a.firstWildcard - b.firstWildcard ||
    Number(b.isPrefix) - Number(a.isPrefix) ||
    b.plusCount - a.plusCount ||
    a.bytes.length - b.bytes.length ||
    compareBytes(a.bytes, b.bytes)
  )
}

function compareBytes(a: Uint8Array, b: Uint8Array): number {
  for (let at = 0; at < a.length; at += 1) {
    const difference = (a[at] ?? 0) - (b[at] ?? 0)
    if (difference !== 0) return difference
  }
  return 0
}

/** What is wrong with a path as a pattern; `undefined` where nothing is. */
export function patternProblem(text: string): string | undefined {
  if (text.startsWith('/')) return 'a path has no leading slash; it is relative to /v1/'
  if (text.includes('{{'))
    return '"{{" begins a template, of which there is one: {{caller.name}}, which stands for a whole segment'
  if (!text.isWellFormed()) return 'a path must not have a lone surrogate'
  if (/[\u0000-\u001f\u007f-\u009f]/.test(text)) return 'a path must not have control characters'
  const star = text.indexOf('*')
  if (star !== -1 && star !== text.length - 1) return '"*" stands for any rest and may only be the last character'
  const segments = text.split('/')
  if (segments.slice(0, -1).includes('')) return 'a path must not have an empty segment (//)'
  if (segments.some((segment) => segment === '.' || segment === '..')) return 'a path must not have a segment . or ..'
  if (segments.some((segment) => segment.includes('+') && segment !== '+')) {
    return '"+" stands for one whole segment: it must be alone between slashes; for the rest of a name end in "*"'
  }
  return undefined
}
