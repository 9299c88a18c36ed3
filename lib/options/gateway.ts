import type { Caller, CallerAttributes } from '../model/caller.ts'
import { type CompiledPolicies, isCompiled, type PoliciesOption } from '../model/compiled-policies.ts'
import type { AuditDeviceOptions } from '../ports/audit-device.ts'
import type { AuthMethod } from '../ports/auth-method.ts'
import type { Transport } from '../ports/transport.ts'
import { type AuditContentConfig, type ClearFields, resolveAuditContent } from './audit.ts'
import { createCaller } from './caller.ts'
import { booleanOption, checkNames, numberOption, stringOption, typed } from './check.ts'
import type { Environment } from './environment.ts'
import { resolveServer, type ServerConfig, type ServerOptions } from './server.ts'

/** Where audit entries go, and the key of the HMACs in them. */
export interface AuditOptions {
  /** At least one. An entry must be accepted by each required one before the request goes on. */
  readonly devices: readonly AuditDeviceOptions[]
  /** Key of the HMACs, 16 bytes or more; one an installation, so that equal values can be found across restarts. */
  readonly key?: Uint8Array
  /** Entries tell the form of what is sent (types, about how long texts are), for `portcullis policy suggest`. Default false. */
  readonly shape?: boolean
  /** Fields that are left in clear on some paths, such as `common_name` and `serial_number` of `pki/issue/*`. Default: none; every text is hashed. */
  readonly clear?: readonly ClearFields[]
  /** Answers to lists tell how many `keys` and `key_info` they have, instead of an HMAC of each. Default false. */
  readonly elideLists?: boolean
  /**
   * Patterns of paths with ids in them, by the syntax of policies: what `+` and `*` stand for is hashed in `path`; of errors on
   * such paths the code alone is told. In every namespace; of several patterns the one that would win in a policy. Default: none.
   */
  readonly hashPaths?: readonly string[]
  /** File with the key; made with 32 random bytes and mode 0600 where it does not exist. Default: a new key for each process. */
  readonly keyFile?: string
}

/** Bounds of the cache. */
export interface CacheOptions {
  /** Answers kept at once; the least used go first. Leases that are kept alive do not count: {@link LeaseOptions.max} bounds them. Default 1000, at least 1. */
  readonly maxEntries?: number
}

/** How leases are kept. */
export interface LeaseOptions {
  /**
   * Longest time since the server last said that a served lease lives; then it is looked up. Milliseconds, 1000 or more;
   * `Infinity` never asks, and a lease revoked elsewhere is served until its end. Default 5000.
   */
  readonly verifyAfterMs?: number
  /** Look-ups a second; beyond them `verifiedMs` grows. Default 50, above 0. */
  readonly lookUpsPerSecond?: number
  /** Renewals a second. Default 100, above 0. */
  readonly renewalsPerSecond?: number
  /** A lease read this long ago for the last time is no longer renewed. Milliseconds, 0 or more. Default: one TTL of the lease. */
  readonly idleMs?: number
  /** Leases that may live at once on one path, which is one role, whatever query or body asks for. Successors may be one more each. Default 100. `Infinity`: no cap. */
  readonly maxPerPath?: number
  /** Leases that may live at once in this gateway. Default 10,000. `Infinity`: no cap. */
  readonly max?: number
}

/** What {@link createGateway} takes. */
export interface GatewayOptions {
  /** A server, or any Transport. Default: what `BAO_ADDR` or `VAULT_ADDR` names. */
  readonly server?: ServerOptions | Transport
  /** How to get a token. May be left out over a Transport that has access of its own, such as a plugin host: {@link OwnAccessOptions}. `token()`, `appRole()`, `kubernetes()`, …, `custom()`, or an {@link AuthMethod} of your own. */
  readonly auth: AuthMethod
  /** A folder of `*.json` policies, documents, or what `portcullis policy compile` made of them. Without any that allows, everything is denied. */
  readonly policies?: PoliciesOption
  /**
   * Looks at the folder of `policies` every 5 s, and puts a set that has changed in force: whole, or not at all. Only with a
   * folder. Default false; `gateway.reloadPolicies()` does it when you say so, such as at a SIGHUP.
   */
  readonly watchPolicies?: boolean
  /** DANGEROUS: no policy is asked, everything the server allows passes. Excludes `policies` but those of mode shadow. Default false. */
  readonly dangerouslyAllowEverything?: boolean
  /** Attributes that policies are judged on. Default: none. */
  readonly caller?: CallerAttributes
  /**
   * Callers made by `as()` are judged on their own attributes alone, not also on those of `caller`: for a program that asks
   * for others, such as a proxy, and serves none but them. Default false: both must be allowed.
   */
  readonly independentCallers?: boolean
  readonly audit: AuditOptions
  readonly cache?: CacheOptions
  readonly leases?: LeaseOptions
  /** Calls in flight at once; more are refused with `ERR_PORTCULLIS_GATEWAY_CAPACITY`. Default 10000, at least 1. */
  readonly maxInFlight?: number
}

/** {@link GatewayOptions} over a Transport that gives access itself, so that `auth` may be left out. */
export interface OwnAccessOptions extends Omit<GatewayOptions, 'server' | 'auth'> {
  readonly server: Transport & { auth(): AuthMethod }
  /** Default: the Transport's own. */
  readonly auth?: AuthMethod
}

/** {@link GatewayOptions}, checked and complete. */
export interface GatewayConfig {
  readonly server: { readonly transport: Transport } | { readonly config: ServerConfig }
  readonly namespace: string
  readonly namespaces: readonly string[]
  readonly timeoutMs: number
  readonly auth: AuthMethod
  readonly policies:
    | { readonly folder: string }
    | { readonly documents: readonly object[] }
    | { readonly compiled: CompiledPolicies }
  readonly watchPolicies: boolean
  readonly unrestricted: boolean
  readonly caller: Caller
  readonly independentCallers: boolean
  readonly devices: readonly AuditDeviceOptions[]
  readonly auditContent: AuditContentConfig
  readonly auditKey: { readonly bytes: Uint8Array } | { readonly file: string } | { readonly generated: true }
  readonly maxEntries: number
  readonly leases: LeaseConfig
  readonly maxInFlight: number
}

/** {@link LeaseOptions}, checked and complete. */
export interface LeaseConfig {
  readonly verifyAfterMs: number
  readonly lookUpsPerSecond: number
  readonly renewalsPerSecond: number
  /** `undefined`: one TTL of the lease. */
  readonly idleMs: number | undefined
  readonly maxPerPath: number
  readonly max: number
}

/** Bound on one exchange through a Transport that was handed in. */
export const TRANSPORT_TIMEOUT_MS = 60_000
export const CACHE_MAX_ENTRIES = 1_000
export const MAX_IN_FLIGHT = 10_000
/** Defaults of {@link LeaseOptions}. */
export const VERIFY_AFTER_MS = 5_000
export const LOOK_UPS_PER_SECOND = 50
export const RENEWALS_PER_SECOND = 100
export const LEASES_MAX_PER_PATH = 100
export const LEASES_MAX = 10_000

/** Checks and completes `options`. Pure. @throws {TypeError|RangeError} naming the option and what it got. */
export function resolveGateway(options: GatewayOptions | OwnAccessOptions, environment: Environment): GatewayConfig {
  checkNames('createGateway()', options, NAMES)
  checkNames('cache', options.cache ?? {}, ['maxEntries'])
  const unrestricted = booleanOption('dangerouslyAllowEverything', options.dangerouslyAllowEverything, false)
  const policies = checkedPolicies(options.policies)
  if (unrestricted && options.policies !== undefined && !isShadowOnly(policies)) {
    throw new TypeError(
      'dangerouslyAllowEverything and policies contradict each other: give one, or policies of "mode": "shadow" alone',
    )
  }
  const endpoint = resolveEndpoint(options.server, environment)
  return Object.freeze({
    ...endpoint,
    auth: checkedAuth(options.auth ?? ownAccess(endpoint.server), endpoint.server),
    policies,
    watchPolicies: checkedWatch(options),
    unrestricted,
    caller: createCaller(options.caller ?? {}),
    independentCallers: booleanOption('independentCallers', options.independentCallers, false),
    ...checkedAudit(options.audit),
    maxEntries: numberOption('cache.maxEntries', options.cache?.maxEntries, CACHE_MAX_ENTRIES, {
      min: 1,
      max: 1_000_000,
      integer: true,
    }),
    leases: checkedLeases(options.leases ?? {}),
    maxInFlight: numberOption('maxInFlight', options.maxInFlight, MAX_IN_FLIGHT, { min: 1, integer: true }),
  })
}

const NAMES = [
  'server',
  'auth',
  'policies',
  'watchPolicies',
  'dangerouslyAllowEverything',
  'caller',
  'independentCallers',
  'audit',
  'cache',
  'leases',
  'maxInFlight',
]

function checkedLeases(leases: LeaseOptions): LeaseConfig {
  checkNames('leases', leases, [
    'verifyAfterMs',
    'lookUpsPerSecond',
    'renewalsPerSecond',
    'idleMs',
    'maxPerPath',
    'max',
  ])
  const { idleMs } = leases
  const positive = { min: Number.MIN_VALUE }
  return Object.freeze({
    verifyAfterMs: numberOption('leases.verifyAfterMs', leases.verifyAfterMs, VERIFY_AFTER_MS, { min: 1_000 }),
    lookUpsPerSecond: numberOption('leases.lookUpsPerSecond', leases.lookUpsPerSecond, LOOK_UPS_PER_SECOND, positive),
    renewalsPerSecond: numberOption(
      'leases.renewalsPerSecond',
      leases.renewalsPerSecond,
      RENEWALS_PER_SECOND,
      positive,
    ),
    idleMs: idleMs === undefined ? undefined : numberOption('leases.idleMs', idleMs, 0, { min: 0 }),
    maxPerPath: numberOption('leases.maxPerPath', leases.maxPerPath, LEASES_MAX_PER_PATH, { min: 1, integer: true }),
    max: numberOption('leases.max', leases.max, LEASES_MAX, { min: 1, integer: true }),
  })
}

type Endpoint = Pick<GatewayConfig, 'server' | 'namespace' | 'namespaces' | 'timeoutMs'>

function resolveEndpoint(server: GatewayOptions['server'], environment: Environment): Endpoint {
  if (isTransport(server)) {
    return { server: { transport: server }, namespace: '', namespaces: [''], timeoutMs: TRANSPORT_TIMEOUT_MS }
  }
  const config = resolveServer(server, environment)
  const { namespace, namespaces, timeoutMs } = config
  return { server: { config }, namespace, namespaces, timeoutMs }
}

function isTransport(server: GatewayOptions['server']): server is Transport {
  return typeof server === 'object' && server !== null && 'send' in server && typeof server.send === 'function'
}

/** The access that a Transport gives itself. */
function ownAccess(server: GatewayConfig['server']): AuthMethod | undefined {
  return 'transport' in server ? server.transport.auth?.() : undefined
}

function checkedAuth(auth: unknown, server: GatewayConfig['server']): AuthMethod {
  const isMethod = typeof auth === 'object' && auth !== null && 'login' in auth && typeof auth.login === 'function'
  if (!isMethod || !('method' in auth) || typeof auth.method !== 'string') {
    throw new TypeError(`auth must be an auth method such as token() or appRole(), got ${typed(auth)}`)
  }
  const method = auth as AuthMethod
  if (method.needsClientCertificate === true && 'config' in server) checkCertificate(method, server.config)
  return method
}

/** What a Transport that was handed in presents is not known here. */
function checkCertificate({ method }: AuthMethod, { origin, tls }: ServerConfig): void {
  if (tls.cert === undefined) {
    throw new TypeError(
      `auth ${method} needs a client certificate: give server.tls.cert and key, or server.tls.certFile and keyFile`,
    )
  }
  if (!origin.startsWith('https:')) {
    throw new TypeError(`auth ${method} needs an https address: over http no client certificate is presented`)
  }
}

function checkedWatch({ policies, watchPolicies }: Pick<GatewayOptions, 'policies' | 'watchPolicies'>): boolean {
  const isWatched = booleanOption('watchPolicies', watchPolicies, false)
  if (isWatched && typeof policies !== 'string')
    throw new TypeError('watchPolicies needs policies: the path of a folder')
  return isWatched
}

/** What `policies` can be. @throws {TypeError} */
export function checkedPolicies(policies: unknown): GatewayConfig['policies'] {
  if (policies === undefined) return { documents: [] }
  if (typeof policies === 'string' && policies !== '') return { folder: policies }
  if (Array.isArray(policies)) return { documents: Object.freeze([...policies]) }
  if (isCompiled(policies)) return { compiled: policies }
  throw new TypeError(
    `policies must be the path of a folder, a list of documents or compiled policies, got ${typed(policies)}`,
  )
}

/** Nothing that is enforced. What stands in a folder is found out when it is read. */
function isShadowOnly(policies: GatewayConfig['policies']): boolean {
  if ('folder' in policies) return true
  const documents =
    'compiled' in policies ? policies.compiled.documents.map(({ document }) => document) : policies.documents
  return documents.length > 0 && documents.every((document) => Object(document).mode === 'shadow')
}

function checkedAudit(audit: unknown): Pick<GatewayConfig, 'devices' | 'auditKey' | 'auditContent'> {
  checkNames('audit', audit, ['devices', 'key', 'keyFile', 'shape', 'clear', 'elideLists', 'hashPaths'])
  const { devices, key, keyFile, ...content } = audit as AuditOptions
  if (!Array.isArray(devices) || devices.length === 0) {
    throw new TypeError('audit.devices must list at least one device, such as file(path): nothing passes unrecorded')
  }
  for (const [index, entry] of devices.entries()) {
    if (typeof entry?.device?.write !== 'function') {
      throw new TypeError(
        `audit.devices[${index}] must be a device such as file(path), otel() or callback(name, write), got ${typed(entry)}`,
      )
    }
  }
  return {
    devices: Object.freeze([...devices]),
    auditKey: checkedKey(key, keyFile),
    auditContent: resolveAuditContent(content),
  }
}

function checkedKey(key: unknown, keyFile: unknown): GatewayConfig['auditKey'] {
  if (key !== undefined && keyFile !== undefined) throw new TypeError('give either audit.key or audit.keyFile')
  if (keyFile !== undefined) return { file: stringOption('audit.keyFile', keyFile, '') }
  if (key === undefined) return { generated: true }
  if (!(key instanceof Uint8Array)) throw new TypeError(`audit.key must be a Uint8Array, got ${typed(key)}`)
  if (key.length < 16) throw new RangeError(`audit.key must have at least 16 bytes, got ${key.length}`)
  return { bytes: key }
}
