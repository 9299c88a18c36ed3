import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { suggestion } from '../nearest.ts'
import type { Place } from '../place.ts'

/** What a server policy grants on one path. */
export interface AclRule {
  /** As it is written, without a leading slash. */
  readonly path: string
  readonly capabilities: readonly Capability[]
  /** Values by parameter; an empty list means any value. `undefined`: not limited. */
  readonly allowed: Parameters | undefined
  readonly denied: Parameters | undefined
  readonly required: readonly string[]
  readonly minWrapTtl: string | undefined
  readonly maxWrapTtl: string | undefined
  /** Keys that only the server can act on. */
  readonly others: readonly string[]
}

/** A server policy, as far as it is about paths. */
export interface Acl {
  readonly name: string | undefined
  readonly rules: readonly AclRule[]
}

export type Parameters = Readonly<Record<string, readonly JsonValue[]>>

const CAPABILITIES: readonly Capability[] = [
  ...(['create', 'read', 'update', 'patch', 'delete', 'list', 'scan', 'sudo', 'deny'] as const),
  // Vault's: events, and reading from a snapshot.
  ...(['subscribe', 'recover'] as const),
]

/** What a server policy can grant. */
export type Capability =
  | 'create'
  | 'read'
  | 'update'
  | 'patch'
  | 'delete'
  | 'list'
  | 'scan'
  | 'sudo'
  | 'deny'
  | 'subscribe'
  | 'recover'

/** The old word for a set of capabilities. */
const OLD: Readonly<Record<string, readonly Capability[]>> = {
  deny: ['deny'],
  read: ['read', 'list'],
  write: ['create', 'read', 'update', 'delete', 'list'],
  sudo: ['create', 'read', 'update', 'delete', 'list', 'sudo'],
}

const KNOWN = ['capabilities', 'policy', 'allowed_parameters', 'denied_parameters', 'required_parameters'].concat(
  'min_wrapping_ttl',
  'max_wrapping_ttl',
)

/**
 * Reads a server policy from its JSON form, or from what an HCL 1 parser makes of it (every block a list).
 *
 * @throws {PolicyLoadError} for what the server would not take either.
 */
export function readAcl(document: JsonValue, place: Place): Acl {
  const top = merged(document, place)
  for (const name of Object.keys(top)) {
    if (name !== 'path' && name !== 'name') {
      throw place
        .at(name)
        .refusal(`a server policy has no ${JSON.stringify(name)}${suggestion(name, ['path', 'name'])}`)
    }
  }
  const rules = blocks(top.path ?? [], place.at('path')).flatMap((block, at) =>
    Object.entries(block).flatMap(([path, body]) =>
      blocks(body, place.at('path', at, path)).map((source) => readRule(path, source, place.at('path', at, path))),
    ),
  )
  return { name: typeof top.name === 'string' && top.name !== '' ? top.name : undefined, rules }
}

function readRule(path: string, source: JsonObject, place: Place): AclRule {
  return {
    path: path.startsWith('/') ? path.slice(1) : path,
    capabilities: capabilitiesOf(source, place),
    allowed: parametersOf(source.allowed_parameters, place.at('allowed_parameters')),
    denied: parametersOf(source.denied_parameters, place.at('denied_parameters')),
    required: stringsOf(source.required_parameters, place.at('required_parameters')),
    minWrapTtl: ttlOf(source.min_wrapping_ttl, place.at('min_wrapping_ttl')),
    maxWrapTtl: ttlOf(source.max_wrapping_ttl, place.at('max_wrapping_ttl')),
    others: Object.keys(source).filter((name) => !KNOWN.includes(name)),
  }
}

function capabilitiesOf({ capabilities, policy }: JsonObject, place: Place): readonly Capability[] {
  const old = policy === undefined ? [] : OLD[String(policy)]
  if (old === undefined) throw place.at('policy').refusal('must be one of deny, read, write, sudo')
  const given = stringsOf(capabilities, place.at('capabilities'))
  for (const name of given) {
    if ((CAPABILITIES as readonly string[]).includes(name)) continue
    throw place
      .at('capabilities')
      .refusal(`unknown capability ${JSON.stringify(name)}${suggestion(name, CAPABILITIES)}`)
  }
  const all = new Set([...old, ...(given as readonly Capability[])])
  return all.has('deny') ? ['deny'] : [...all]
}

function parametersOf(value: JsonValue | undefined, place: Place): Parameters | undefined {
  if (value === undefined) return undefined
  return Object.fromEntries(
    Object.entries(merged(value, place)).map(([name, values]) => [name, Array.isArray(values) ? values : [values]]),
  )
}

function stringsOf(value: JsonValue | undefined, place: Place): readonly string[] {
  if (value === undefined) return []
  const list = Array.isArray(value) ? value : [value]
  if (list.every((item) => typeof item === 'string')) return list
  throw place.refusal('must be a list of strings')
}

/** A number counts seconds; text is a duration as Go writes it. */
function ttlOf(value: JsonValue | undefined, place: Place): string | undefined {
  if (value === undefined) return undefined
  const ms = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? goDurationMs(value) : undefined
  if (ms === undefined || !Number.isInteger(ms) || ms < 0)
    throw place.refusal('must be a duration such as 90s, 5m or 1h')
  if (ms === 0) return undefined
  return ms % 1000 === 0 ? `${ms / 1000}s` : `${ms}ms`
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }

function goDurationMs(text: string): number | undefined {
  if (/^\d+$/.test(text)) return Number(text) * 1000
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) return undefined
  return parts.reduce((sum, [, count, unit]) => sum + Number(count) * (UNITS[unit ?? ''] ?? Number.NaN), 0)
}

/** One object of what may be a list of them. */
function merged(value: JsonValue, place: Place): JsonObject {
  return Object.assign({}, ...blocks(value, place))
}

function blocks(value: JsonValue, place: Place): readonly JsonObject[] {
  const list = Array.isArray(value) ? value : [value]
  if (list.every(isJsonObject)) return list as readonly JsonObject[]
  throw place.refusal('must be an object')
}
