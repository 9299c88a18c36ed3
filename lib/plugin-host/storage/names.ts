import type { StorePage } from '../../ports/store.ts'
import { byteText, keyText } from './key.ts'

/** Keys of one folder that are stepped over before a new search jumps past the rest of it. */
const STEPS = 12

/** The smallest byte above `/`. */
const PAST_SLASH = '0'

/**
 * The names directly below `prefix`, out of ordered keys.
 *
 * @param keysFrom - Keys at or after a text, as `byteText`, in order; read lazily, and called anew to jump over a folder.
 */
export function namesBelow(
  prefix: string,
  { after = '', limit = Infinity }: StorePage,
  keysFrom: (start: string) => Iterable<string>,
): readonly string[] {
  const base = byteText(prefix)
  const names: string[] = []
  let start: string | undefined = startAfter(base, byteText(after))
  while (start !== undefined && names.length < limit) start = walk(base, start, names, limit, keysFrom)
  return names.map(keyText)
}

/** Where to search for the names after `after`. Bytes as text, both. */
export function startAfter(base: string, after: string): string {
  const slash = after.indexOf('/')
  if (slash !== -1) return base + after.slice(0, slash) + PAST_SLASH
  // A key that equals the prefix has no name below it.
  return `${base}${after}\0`
}

/** Adds names to `names`; gives where to search on, if a folder has to be jumped over. */
function walk(
  base: string,
  start: string,
  names: string[],
  limit: number,
  keysFrom: (start: string) => Iterable<string>,
): string | undefined {
  let folder: string | undefined
  let steps = 0
  for (const key of keysFrom(start)) {
    if (!key.startsWith(base)) return undefined
    if (folder !== undefined && key.startsWith(folder)) {
      steps += 1
      if (steps > STEPS) return folder.slice(0, -1) + PAST_SLASH
      continue
    }
    if (names.length >= limit) return undefined
    const slash = key.indexOf('/', base.length)
    folder = slash === -1 ? undefined : key.slice(0, slash + 1)
    steps = 0
    names.push((folder ?? key).slice(base.length))
  }
  return undefined
}
