/** Where one request path leads: `creds/:name`, `sign/:name/:algorithm?`, `data/:path*`. */
export interface Pattern {
  /** As it was written. */
  readonly text: string
  /** Names of its parameters, in order. */
  readonly parameters: readonly string[]
  /** Values of its parameters, by name; `undefined` where `path` is another one. */
  match(path: string): Readonly<Record<string, string>> | undefined
  /** The server's forms of it, for special paths: `+` for one segment, `*` at the end for the rest. */
  readonly special: readonly string[]
  /** First segment, where it is a literal one. */
  readonly first: string | undefined
}

/** Names of the parameters of a pattern; type-level twin of {@link Pattern.parameters}. */
export type ParameterNames<P extends string> = P extends `${infer Head}/${infer Rest}`
  ? NameIn<Head> | ParameterNames<Rest>
  : NameIn<P>

type NameIn<S extends string> = S extends `:${infer Name}` ? Trimmed<Name> : never
type Trimmed<N extends string> = N extends `${infer Name}?` | `${infer Name}*` | `${infer Name}+` ? Name : N

/** Names of the parameters that can be absent. */
export type OptionalNames<P extends string> = P extends `${infer Head}/${infer Rest}`
  ? OptionalNames<Rest> | OptionalIn<Head>
  : OptionalIn<P>
type OptionalIn<S extends string> = S extends `:${infer Name}?` ? Name : never

interface Segment {
  readonly kind: 'literal' | 'one' | 'maybe' | 'rest' | 'some'
  readonly text: string
}

const KINDS: Readonly<Record<string, Segment['kind']>> = { '': 'one', '?': 'maybe', '*': 'rest', '+': 'some' }
const PARAMETER = /^:([A-Za-z_][A-Za-z0-9_]*)([?*+]?)$/

/**
 * Compiles `text`, once; matching takes time linear in the path.
 *
 * `:name` is one segment that is not empty, `:name?` the same or nothing, `:name+` the rest with its slashes and not
 * empty, `:name*` the rest or nothing. Everything else stands for itself, byte for byte.
 *
 * @throws {TypeError} for a leading or trailing slash, an empty segment, a name that comes twice, or an optional
 *   parameter before another segment.
 */
export function compilePattern(text: string): Pattern {
  const segments = text === '' ? [] : text.split('/').map((segment) => segmentOf(segment, text))
  const parameters = segments.filter(({ kind }) => kind !== 'literal').map(({ text }) => text)
  if (new Set(parameters).size !== parameters.length) throw new TypeError(`a parameter comes twice in path "${text}"`)
  const misplaced = segments.slice(0, -1).find(({ kind }) => kind !== 'literal' && kind !== 'one')
  if (misplaced !== undefined) throw new TypeError(`":${misplaced.text}" must be the last segment of path "${text}"`)
  const [head] = segments
  return {
    text,
    parameters,
    match: (path) => matched(segments, path),
    special: specialForms(segments),
    first: head?.kind === 'literal' ? head.text : undefined,
  }
}

function segmentOf(segment: string, whole: string): Segment {
  if (segment === '') throw new TypeError(`path "${whole}" has an empty segment, or a slash at an end`)
  if (!segment.startsWith(':')) return { kind: 'literal', text: segment }
  const [, name, suffix] = PARAMETER.exec(segment) ?? []
  const kind = KINDS[suffix ?? 'none']
  if (name === undefined || kind === undefined || name === '__proto__')
    throw new TypeError(`"${segment}" in path "${whole}" is no parameter`)
  return { kind, text: name }
}

function matched(segments: readonly Segment[], path: string): Readonly<Record<string, string>> | undefined {
  const parts = path === '' ? [] : path.split('/')
  const values: Record<string, string> = {}
  for (const [at, { kind, text }] of segments.entries()) {
    const part = parts[at]
    if (kind === 'rest' || kind === 'some') {
      const rest = parts.slice(at).join('/')
      if (kind === 'some' && rest === '') return undefined
      values[text] = rest
      return values
    }
    if (part === undefined) return kind === 'maybe' ? values : undefined
    if (kind === 'literal' ? part !== text : part === '') return undefined
    if (kind !== 'literal') values[text] = part
  }
  return parts.length === segments.length ? values : undefined
}

function specialForms(segments: readonly Segment[]): readonly string[] {
  const last = segments.at(-1)
  const forms = segments.map(({ kind, text }) => (kind === 'literal' ? text : '+'))
  const before = forms.slice(0, -1)
  if (last?.kind === 'maybe') return [before.join('/'), forms.join('/')]
  if (last?.kind === 'some') return [[...before, '*'].join('/')]
  if (last?.kind === 'rest') return before.length === 0 ? ['*'] : [before.join('/'), [...before, '*'].join('/')]
  return [forms.join('/')]
}
