import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { Refusal } from './exchange.ts'

/** One path of a server policy. */
export interface AclRule {
  readonly pattern: string
  readonly capabilities: readonly string[]
}

/** Every token but root has it, unless it was made without. What the servers' own default policy allows, in short. */
export const DEFAULT_POLICY: readonly AclRule[] = [
  ...ruled(['read'], 'auth/token/lookup-self', 'sys/internal/ui/resultant-acl'),
  ...ruled(['update'], 'auth/token/renew-self', 'auth/token/revoke-self', 'sys/capabilities-self'),
  ...ruled(['update'], 'sys/renew', 'sys/leases/renew', 'sys/leases/lookup'),
  ...ruled(['update'], 'sys/wrapping/wrap', 'sys/wrapping/lookup', 'sys/wrapping/unwrap'),
  ...ruled(['create', 'read', 'update', 'delete', 'list'], 'cubbyhole/*'),
]

/** What a wrapping token may do. */
export const WRAPPING_POLICY: readonly AclRule[] = ruled(
  ['update'],
  'sys/wrapping/unwrap',
  'sys/wrapping/lookup',
  'auth/token/revoke-self',
)

function ruled(capabilities: readonly string[], ...patterns: readonly string[]): readonly AclRule[] {
  return patterns.map((pattern) => ({ pattern, capabilities }))
}

/** Paths that need the `sudo` capability besides. */
const SUDO =
  /^(?:sys\/(?:leases\/(?:revoke-prefix|revoke-force|lookup)\/|revoke-prefix\/|auth\/|seal$|step-down$)|auth\/token\/create-orphan$)/

/** Does `path` need `sudo`? */
export function needsSudo(path: string): boolean {
  return SUDO.test(path)
}

/**
 * The rules of a server policy: an object, JSON text, or HCL of the simple kind (`path "x" { capabilities = […] }`).
 *
 * Parameters (`allowed_parameters`, …) are not followed.
 *
 * @throws {Refusal} 400 for text without a single path.
 */
export function parseAcl(source: JsonValue | undefined): readonly AclRule[] {
  if (isJsonObject(source)) return fromJson(source)
  if (typeof source !== 'string') throw new Refusal(400, "'policy' parameter not supplied or empty")
  if (source.trimStart().startsWith('{')) return fromJson(JSON.parse(source))
  const rules = [...source.matchAll(/path\s+"([^"]+)"\s*\{([^}]*)\}/g)].map(([, pattern = '', block = '']) => ({
    pattern,
    capabilities: [...(/capabilities\s*=\s*\[([^\]]*)\]/.exec(block)?.[1] ?? '').matchAll(/"([^"]+)"/g)].map(
      ([, name = '']) => name,
    ),
  }))
  if (rules.length === 0) throw new Refusal(400, 'failed to parse policy')
  return rules
}

function fromJson(policy: JsonObject): readonly AclRule[] {
  const paths = isJsonObject(policy.path) ? policy.path : {}
  return Object.entries(paths).map(([pattern, rule]) => ({ pattern, capabilities: capabilityNames(rule) }))
}

function capabilityNames(rule: JsonValue): readonly string[] {
  const names = isJsonObject(rule) ? rule.capabilities : undefined
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
}

/** What `rules` grant on `path`: those of the most specific pattern. `deny` beats the rest; none is `deny` too. */
export function capabilitiesOn(rules: readonly AclRule[], path: string, isList: boolean): readonly string[] {
  const tried = isList ? [withSlash(path), withoutSlash(path)] : [path]
  for (const name of tried) {
    const matching = rules.filter(({ pattern }) => matches(pattern, name))
    const best = matching.map(({ pattern }) => pattern).sort(bySpecificity)[0]
    if (best === undefined) continue
    const granted = matching.filter(({ pattern }) => pattern === best).flatMap(({ capabilities }) => capabilities)
    return granted.includes('deny') || granted.length === 0 ? ['deny'] : [...new Set(granted)].sort()
  }
  return ['deny']
}

function withSlash(path: string): string {
  return path.endsWith('/') ? path : `${path}/`
}

function withoutSlash(path: string): string {
  return path.replace(/\/$/, '')
}

function matches(pattern: string, path: string): boolean {
  const isPrefix = pattern.endsWith('*')
  const wanted = (isPrefix ? pattern.slice(0, -1) : pattern).split('/')
  const given = path.split('/')
  const last = wanted.length - 1
  if (isPrefix ? given.length < wanted.length : given.length !== wanted.length) return false
  return wanted.every((segment, at) => {
    if (segment === '+') return true
    return isPrefix && at === last ? (given[at] ?? '').startsWith(segment) : given[at] === segment
  })
}

/** Most specific first: exact, first wildcard later, no trailing `*`, fewer `+`, longer, later in the alphabet. */
function bySpecificity(a: string, b: string): number {
  return (
    Number(isWild(a)) - Number(isWild(b)) ||
    firstWild(b) - firstWild(a) ||
    Number(a.endsWith('*')) - Number(b.endsWith('*')) ||
    pluses(a) - pluses(b) ||
    b.length - a.length ||
    (a < b ? 1 : -1)
  )
}

function isWild(pattern: string): boolean {
  return pattern.endsWith('*') || pluses(pattern) > 0
}

function firstWild(pattern: string): number {
  const at = pattern.search(/(?<=^|\/)\+(?=\/|$)|\*$/)
  return at === -1 ? pattern.length : at
}

function pluses(pattern: string): number {
  return pattern.split('/').filter((segment) => segment === '+').length
}

/** May whoever has `rules` do anything at all below `mount`? Asked before its type is told. */
export function reachesInto(rules: readonly AclRule[], mount: string): boolean {
  return rules.some(({ pattern, capabilities }) => {
    if (capabilities.includes('deny')) return false
    const fixed = pattern.slice(0, firstWild(pattern))
    return pattern.startsWith(mount) || (isWild(pattern) && mount.startsWith(fixed))
  })
}
