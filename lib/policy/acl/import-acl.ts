import type { JsonObject, JsonValue } from '../../model/json.ts'
import { patternProblem } from '../pattern.ts'
import { Place } from '../place.ts'
import { createRuleIds } from '../rule-ids.ts'
import { parseTemplate } from '../template/slots.ts'
import { limitsParameters, parameterSchema } from './parameters.ts'
import { type AclRule, type Capability, readAcl } from './read-acl.ts'

/** Something in a server policy that its gateway policy does not say. */
export interface Uncarried {
  /** The path as it is written there. */
  readonly path: string
  readonly what: string
  /** What that makes of the gateway policy, beside the server's own; the server still holds its own. */
  readonly makesIt: 'narrower' | 'wider'
}

/** A gateway policy made of a server policy. */
export interface ImportedAcl {
  readonly policy: JsonObject
  readonly uncarried: readonly Uncarried[]
}

export interface ImportOptions {
  /** Name for messages, and of the policy where it has none. */
  readonly file: string
  readonly name?: string
  /** Attribute of the caller for a parameter of the server's templates: `{ 'identity.entity.name': 'user' }`. */
  readonly templates?: Readonly<Record<string, string>>
}

/**
 * The gateway policy that allows and denies what a server policy does, and a list of what it could not take over.
 *
 * @param document - JSON of the policy, or what an HCL 1 parser makes of it.
 * @throws {PolicyLoadError} `ERR_PORTCULLIS_POLICY_INVALID`: the server would refuse it too.
 */
export function importAcl(document: JsonValue, options: ImportOptions): ImportedAcl {
  const place = new Place(options.file)
  const acl = readAcl(document, place)
  const uncarried: Uncarried[] = []
  const idOf = createRuleIds()
  const rules = acl.rules.flatMap((rule) => {
    const path = pathOf(rule, place, options.templates ?? {}, uncarried)
    if (path === undefined) return []
    noteOthers(rule, uncarried)
    return rulesOf(rule, path).map((made) => ({ id: idOf(path), ...made }))
  })
  noteMerged(acl.rules, uncarried)
  return { policy: { policy: nameOf(options.name ?? acl.name ?? options.file), rules }, uncarried }
}

const OPERATIONS: readonly Capability[] = ['create', 'read', 'update', 'patch', 'delete', 'list', 'scan', 'sudo']
/** Operations whose data is looked at; a read's is its query. Lists and deletions send none, as the server sees it. */
const SENDING: readonly string[] = ['create', 'update', 'patch']

function rulesOf(rule: AclRule, path: string): readonly JsonObject[] {
  if (rule.capabilities.includes('deny')) return [{ path, operations: ['*'], effect: 'deny' }]
  const granted = OPERATIONS.filter((name) => rule.capabilities.includes(name))
  if (granted.length === 0) return []
  const limits = limitsOf(rule)
  const allow = (operations: readonly string[], more: JsonObject = {}): readonly JsonObject[] =>
    operations.length === 0 ? [] : [{ path, operations, effect: 'allow', ...more, ...limits }]
  if (!limitsParameters(rule)) return allow(granted)
  const sending = granted.filter((name) => SENDING.includes(name))
  const others = granted.filter((name) => !SENDING.includes(name) && name !== 'read')
  const schema = parameterSchema(rule)
  const read = granted.includes('read') ? allow(['read'], { query: schema }) : []
  return [...allow(others), ...read, ...allow(sending, { request: schema })]
}

function limitsOf({ minWrapTtl, maxWrapTtl }: AclRule): JsonObject {
  if (minWrapTtl === undefined && maxWrapTtl === undefined) return {}
  const limits: Record<string, string> = {}
  if (minWrapTtl !== undefined) limits.minWrapTtl = minWrapTtl
  if (maxWrapTtl !== undefined) limits.maxWrapTtl = maxWrapTtl
  return { limits }
}

/** The path in the gateway's words; `undefined`, and a note, where they cannot say it. */
function pathOf(
  { path, capabilities }: AclRule,
  place: Place,
  templates: Readonly<Record<string, string>>,
  uncarried: Uncarried[],
): string | undefined {
  const makesIt = capabilities.includes('deny') ? 'wider' : 'narrower'
  const unknown = new Set<string>()
  const mapped = path.replace(/\{\{\s*(.+?)\s*\}\}/g, (_, name: string) => {
    const attribute = templates[name]
    if (attribute === undefined) unknown.add(name)
    return `{{caller.${attribute}}}`
  })
  if (unknown.size > 0) {
    const names = [...unknown].join(', ')
    uncarried.push({ path, makesIt, what: `the template ${names} names no attribute of a caller` })
    return undefined
  }
  const problem = patternProblem(parseTemplate(mapped, place).shape)
  if (problem === undefined) return mapped
  uncarried.push({ path, makesIt, what: `the path means something else here: ${problem}` })
  return undefined
}

function noteOthers({ path, capabilities, others }: AclRule, uncarried: Uncarried[]): void {
  for (const what of ['subscribe', 'recover'] as const) {
    if (!capabilities.includes(what)) continue
    uncarried.push({ path, what: `the capability ${what} has no operation here`, makesIt: 'narrower' })
  }
  for (const name of others) {
    if (name === 'comment') continue
    uncarried.push({ path, what: `${name} is the server's alone to act on`, makesIt: 'wider' })
  }
}

/** The server adds up what is said of one path; here each rule stays whole, and one of them has to accept. */
function noteMerged(rules: readonly AclRule[], uncarried: Uncarried[]): void {
  const seen = new Map<string, AclRule>()
  for (const rule of rules) {
    const before = seen.get(rule.path)
    seen.set(rule.path, rule)
    if (before === undefined || !(limitsParameters(before) || limitsParameters(rule))) continue
    const what =
      'it stands there twice, with parameters: the server merges their lists, here one rule has to accept alone'
    uncarried.push({ path: rule.path, what, makesIt: 'narrower' })
  }
}

function nameOf(text: string): string {
  const base = text.replace(/^.*[\\/]/, '').replace(/\.(?:hcl|json)$/, '')
  return (
    base
      .replace(/[^A-Za-z0-9_.:-]+/g, '-')
      .replace(/^[^A-Za-z0-9_]+/, '')
      .slice(0, 128) || 'imported'
  )
}
