import type { JsonObject, JsonValue } from '../../model/json.ts'
import { durationMs } from './duration.ts'
import { fieldWords, flagField, listField, pairsField, textField } from './fields.ts'
import type { MountConfig, MountTokenType } from './mount.ts'
import { type Refusal, refuse } from './refusal.ts'
import { askedVersion } from './version.ts'

/** A mount as it is asked for. */
export interface MountSpec {
  /** Name of a plugin in the catalog. */
  readonly type: string
  /** Of the plugin; `''`: chosen by the catalog. */
  readonly version: string
  readonly description: string
  readonly options: Readonly<Record<string, string>>
  readonly local: boolean
  readonly sealWrap: boolean
  readonly config: MountConfig
}

/** What a tune changes; what is left out stays. */
export interface MountChange {
  readonly description?: string
  readonly version?: string
  readonly options?: Readonly<Record<string, string>>
  readonly config: Partial<MountConfig>
}

/** Names of lists that mounts keep. */
const LISTS = [
  'audit_non_hmac_request_keys',
  'audit_non_hmac_response_keys',
  'passthrough_request_headers',
  'allowed_response_headers',
] as const

const VISIBILITIES: readonly string[] = ['', 'unauth', 'hidden']
const TOKEN_TYPES: readonly string[] = ['default-service', 'default-batch', 'service', 'batch']

const NO_CONFIG: MountConfig = Object.freeze({
  defaultLeaseTtlMs: 0,
  maxLeaseTtlMs: 0,
  tokenType: 'default-service',
  forceNoCache: false,
  listingVisibility: '',
  lists: Object.freeze({}),
})

/** The body of `sys/mounts/…` or `sys/auth/…`. @throws {Refusal} 400. */
export function mountSpecOf(data: JsonObject): MountSpec {
  const asked = textField(data, 'type')
  const type = asked === 'plugin' ? textField(data, 'plugin_name') : asked
  if (type === '') throw refuse(400, 'backend type must be specified as a string')
  const config = data.config ?? {}
  if (typeof config !== 'object' || Array.isArray(config)) throw noConfig(config)
  const given = config as JsonObject
  const options = pairsField(data, 'options') ?? {}
  // The servers' short name for version 2 of kv.
  const isKv2 = type === 'kv-v2'
  if (!isKv2 && type !== 'kv' && options.version !== undefined && data.allow_version !== true)
    throw refuse(400, `secrets engine ${JSON.stringify(type)} does not allow setting a version`)
  return {
    type: isKv2 ? 'kv' : type,
    version: askedVersion(textField(given, 'plugin_version') || textField(data, 'plugin_version')),
    description: textField(data, 'description'),
    options: isKv2 ? { ...options, version: '2' } : options,
    local: flagField(data, 'local') ?? false,
    sealWrap: flagField(data, 'seal_wrap') ?? false,
    config: { ...NO_CONFIG, ...configOf(given, true) },
  }
}

/** The body of a tune. @throws {Refusal} 400. */
export function mountChangeOf(data: JsonObject): MountChange {
  const options = pairsField(data, 'options')
  return {
    config: configOf(data, false),
    ...(typeof data.description === 'string' ? { description: data.description } : {}),
    ...(data.plugin_version === undefined ? {} : { version: askedVersion(textField(data, 'plugin_version')) }),
    ...(options === undefined ? {} : { options }),
  }
}

function noConfig(config: JsonValue): Refusal {
  const kind = { string: 'string', number: 'json.Number', boolean: 'bool' }[typeof config as string] ?? 'list'
  const words = `'' expected type 'map[string]interface {}', got unconvertible type '${kind}'`
  return refuse(400, fieldWords('config') + words)
}

/** @param isNew - Of a mount that is made: the servers say then which TTL it is that is wrong. */
function configOf(data: JsonObject, isNew: boolean): Partial<MountConfig> {
  const lists: Record<string, readonly string[]> = {}
  for (const name of LISTS) {
    const list = listField(data, name)
    if (list !== undefined) lists[name] = list
  }
  const tokenType = textField(data, 'token_type')
  if (tokenType !== '' && !TOKEN_TYPES.includes(tokenType)) throw refuse(400, `invalid value for 'token_type'`)
  const visibility = data.listing_visibility
  if (typeof visibility === 'string' && !VISIBILITIES.includes(visibility))
    throw refuse(400, `invalid listing_visibility ${visibility.slice(0, 100)}`)
  return {
    ...(data.default_lease_ttl === undefined
      ? {}
      : { defaultLeaseTtlMs: ttlOf(data.default_lease_ttl, isNew ? 'default' : '') }),
    ...(data.max_lease_ttl === undefined ? {} : { maxLeaseTtlMs: ttlOf(data.max_lease_ttl, isNew ? 'max' : '') }),
    ...(tokenType === '' ? {} : { tokenType: tokenType as MountTokenType }),
    ...(data.force_no_cache === undefined ? {} : { forceNoCache: flagField(data, 'force_no_cache') ?? false }),
    ...(typeof visibility === 'string' ? { listingVisibility: visibility } : {}),
    ...(Object.keys(lists).length === 0 ? {} : { lists }),
  }
}

/** `system` stands for the host's own. */
function ttlOf(value: JsonObject[string], which: 'default' | 'max' | ''): number {
  if (value === 'system') return 0
  return durationMs(value, which === '' ? '' : `unable to parse ${which} TTL of ${String(value).slice(0, 100)}: `)
}
