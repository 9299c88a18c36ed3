import type { Hasher } from './audit/hasher.ts'
import type { AuditContentConfig, ClearFields } from './options/audit.ts'
import type { ContentRequest, EntryContent } from './pipeline/entry-content.ts'
import { PathIndex } from './policy/path-index.ts'
import { type Pattern, patternOf, patternProblem } from './policy/pattern.ts'

/**
 * How much entries tell, by the options of the audit.
 *
 * @param namespace - The configured one: where rules that name none apply.
 * @throws {TypeError} a path is no pattern; the message names the option.
 */
export function createAuditContent(
  { clear, elideLists, hashPaths }: AuditContentConfig,
  { namespace, hasher }: { readonly namespace: string; readonly hasher: Pick<Hasher, 'value'> },
): EntryContent {
  const fields = (side: 'request' | 'response'): EntryContent['sent'] => {
    const index = indexOf(clear, side, namespace)
    return index === undefined ? () => undefined : ({ namespace: asked, path }) => index.of(asked, path)
  }
  const hidden = new PathIndex<Pattern>()
  for (const [at, path] of hashPaths.entries()) {
    const pattern = checkedPattern(`audit.hashPaths[${at}]`, path)
    if (pattern.isExact) throw new TypeError(`audit.hashPaths[${at}] needs a "+" or "*": what it stands for is hashed`)
    hidden.add(pattern, pattern)
  }
  return {
    sent: fields('request'),
    answered: fields('response'),
    elides: ({ operation }: ContentRequest) => elideLists && (operation === 'list' || operation === 'scan'),
    path(path): string {
      if (hashPaths.length === 0) return path
      const found = hidden.best(path)
      return found === undefined ? path : veiled(path, found.pattern, hasher.value)
    },
  }
}

/** Names of fields by path; every rule that matches adds its own. */
class FieldIndex {
  readonly #byNamespace = new Map<string, PathIndex<readonly string[]>>()

  add(namespace: string, pattern: Pattern, names: readonly string[]): void {
    const index = this.#byNamespace.get(namespace) ?? new PathIndex<readonly string[]>()
    this.#byNamespace.set(namespace, index)
    index.add(pattern, names)
  }

  of(namespace: string, path: string): ReadonlySet<string> | undefined {
    const index = this.#byNamespace.get(namespace)
    if (index === undefined) return undefined
    const exact = index.exact(path)
    const found = [...(exact === undefined ? [] : [exact]), ...index.wildcards(path)]
    if (found.length === 0) return undefined
    return new Set(found.flatMap(({ values }) => values.flat()))
  }
}

function indexOf(
  clear: readonly ClearFields[],
  side: 'request' | 'response',
  configured: string,
): FieldIndex | undefined {
  const index = new FieldIndex()
  let isEmpty = true
  for (const [at, { path, namespace = configured, [side]: names = [] }] of clear.entries()) {
    const pattern = checkedPattern(`audit.clear[${at}].path`, path)
    if (names.length === 0) continue
    isEmpty = false
    index.add(namespace, pattern, names)
  }
  return isEmpty ? undefined : index
}

function checkedPattern(option: string, path: string): Pattern {
  const problem = patternProblem(path)
  if (problem !== undefined) throw new TypeError(`${option}: ${problem}`)
  return patternOf(path)
}

/** `path`, with an HMAC for each segment that is `+` in `pattern`, and one for all that its `*` stands for. */
function veiled(path: string, { segments, isPrefix }: Pattern, hash: (text: string) => string): string {
  const parts = path.split('/')
  const last = segments.length - 1
  const veil = (text: string): string => (text === '' ? '' : hash(text))
  const told = segments.map((segment, at) => (segment === '+' ? veil(parts[at] ?? '') : (parts[at] ?? '')))
  if (!isPrefix) return told.join('/')
  const start = segments[last] ?? ''
  return [...told.slice(0, last), `${start}${veil(parts.slice(last).join('/').slice(start.length))}`].join('/')
}
