import fc from 'fast-check'
import { pathProblem } from '../../../lib/pipeline/path.ts'

/** Capabilities of a server policy that the gateway has an operation for, and `sudo`, and `deny`. */
export const CAPABILITIES = ['create', 'read', 'update', 'patch', 'delete', 'list', 'scan', 'sudo'] as const

export type Capability = (typeof CAPABILITIES)[number]

/** What a server policy says of one pattern; a pattern may stand in it several times. */
export interface AclRule {
  readonly pattern: string
  readonly capabilities: readonly (Capability | 'deny')[]
}

/** Server policies of one token, and paths to ask for. */
export interface World {
  readonly namespace: string
  readonly policies: readonly (readonly AclRule[])[]
  readonly paths: readonly string[]
}

/** What worlds are made of. */
export interface WorldSize {
  /** At most. */
  readonly paths: number
  readonly namespaces: readonly string[]
  /** Takes `sys/capabilities` the path? It trims spaces off both ends. */
  readonly isTrimmed: boolean
  /** Segments that patterns and paths may begin with; at random others, or `+`. */
  readonly roots: readonly string[]
}

/** Names that match each other's prefixes, sort on both sides of `+`, `*` and `/`, and that something could decode, fold or quote. */
const NAMES = [
  'a',
  'b',
  'ab',
  'abc',
  'a-b',
  'A',
  '!',
  '~',
  '-',
  'a b',
  'a ',
  ' a',
  'a%2Fb',
  '%',
  '%2e%2e',
  '..a',
  'a.',
  '.a',
  '\u00e9',
  'e\u0301',
].concat(
  'a\u00e9',
  '\u{1d4b3}',
  '\uffee',
  '"',
  "'",
  '\\',
  '$',
  '$a',
  'a,b',
  '#',
  '?a=b',
  'a;b',
  '&',
  '__proto__',
  'a*b',
  '*a',
)

const name = fc.oneof(
  { arbitrary: fc.constantFrom('a', 'b', 'ab'), weight: 6 },
  { arbitrary: fc.constantFrom(...NAMES.filter((text) => !text.includes('*'))), weight: 2 },
)
const segment = fc.oneof({ arbitrary: name, weight: 5 }, { arbitrary: fc.constant('+'), weight: 3 })
/** What a pattern ends in: nothing, a slash, `*` in the middle of a segment or after a slash, `+` at the very end. */
const ending = fc.constantFrom('', '', '', '*', '*', '/', '/*', '/*', '/+', '/+/', '/+/*')

function patternIn(roots: readonly string[]): fc.Arbitrary<string> {
  const root = fc.oneof({ arbitrary: fc.constantFrom(...roots), weight: 8 }, { arbitrary: segment, weight: 1 })
  return fc.oneof(
    { arbitrary: fc.tuple(root, fc.array(segment, { maxLength: 4 }), ending).map(pattern), weight: 30 },
    { arbitrary: fc.constantFrom('*', '+', '+/*', '+/+', '+/'), weight: 1 },
  )
}

function pattern([root, segments, end]: readonly [string, readonly string[], string]): string {
  const text = [root, ...segments].join('/')
  return end === '*' && text.endsWith('+') ? text : text + end
}

const capabilities = fc.oneof(
  { arbitrary: fc.subarray([...CAPABILITIES], { minLength: 1 }), weight: 8 },
  {
    arbitrary: fc.constantFrom<AclRule['capabilities']>(
      ['deny'],
      ['deny', 'read', 'list'],
      ['list'],
      ['create'],
      ['update'],
    ),
    weight: 3,
  },
)

/** Paths near `patterns`: what they match, what they just do not match, and any. */
function pathNear(patterns: readonly string[], isTrimmed: boolean, { pick, filled, edits }: Choices): string {
  const text = patterns[pick % patterns.length] ?? 'a'
  let at = 0
  const next = (): string => filled[at++ % filled.length] ?? 'a'
  const made = text
    .replace(/\*$/, () => (filled.length % 2 === 0 ? '' : next()))
    .replaceAll(/(?<=^|\/)\+(?=\/|$)/g, next)
  const path = edits.reduce((edited, edit) => edit(edited), made)
  const isLost = isTrimmed && /^\s|\s\/?$/.test(path)
  return pathProblem(path) === undefined && !isLost ? path : 'a'
}

interface Choices {
  readonly pick: number
  readonly filled: readonly string[]
  readonly edits: readonly ((path: string) => string)[]
}

const edit = fc.oneof(
  fc.constantFrom<(path: string) => string>(
    (path) => `${path}/`,
    (path) => path.replace(/\/$/, ''),
    (path) => path.replace(/[^/]*$/, ''),
    (path) => path.replace(/\/[^/]*$/, ''),
    (path) => path.replace(/.$/u, ''),
    (path) => path.toUpperCase(),
    (path) => path.normalize('NFC'),
  ),
  name.map(
    (text) =>
      (path: string): string =>
        `${path}${text}`,
  ),
  name.map(
    (text) =>
      (path: string): string =>
        `${path}/${text}`,
  ),
  name.map(
    (text) =>
      (path: string): string =>
        path.replace(/[^/]*$/, text),
  ),
  name.map(
    (text) =>
      (path: string): string =>
        path.replace(/\/[^/]+/, `/${text}`),
  ),
)

/** Worlds of one to three policies. */
export function worlds({ paths, namespaces, roots, isTrimmed }: WorldSize): fc.Arbitrary<World> {
  const one = patternIn(roots)
  const rule = fc.record({ pattern: one, capabilities })
  const filled = fc.array(fc.oneof(name, fc.constantFrom('+', '*', 'a*b', '*a', 'a+b')), { minLength: 1, maxLength: 4 })
  return fc
    .record({
      namespace: fc.constantFrom(...namespaces),
      policies: fc.array(fc.array(rule, { minLength: 1, maxLength: 9 }), { minLength: 1, maxLength: 3 }),
      /** Rules that say more of a pattern that stands in another policy, too. */
      again: fc.array(fc.record({ to: fc.nat(2), from: fc.nat(30), capabilities }), { maxLength: 3 }),
      choices: fc.array(fc.record({ pick: fc.nat(40), filled, edits: fc.array(edit, { maxLength: 2 }) }), {
        ...{ minLength: 1, maxLength: paths, size: 'max' },
      }),
    })
    .map(({ namespace, policies, again, choices }) => {
      const rules = policies.flat()
      const more = again.map(({ from, capabilities: granted, to }) => {
        return { to: to % policies.length, pattern: rules[from % rules.length]?.pattern ?? 'a', capabilities: granted }
      })
      const whole = policies.map((policy, at) => [...policy, ...more.filter(({ to }) => to === at)])
      const patterns = rules.map((known) => known.pattern)
      return { namespace, policies: whole, paths: choices.map((made) => pathNear(patterns, isTrimmed, made)) }
    })
}
