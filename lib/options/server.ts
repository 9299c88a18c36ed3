import { type Address, resolveAddress } from './address.ts'
import { booleanOption, checkNames, numberOption, typed } from './check.ts'
import { countOf, durationMsOf, type Environment, serverVariable } from './environment.ts'
import { namespaceOption } from './namespace.ts'
import { type ProxyConfig, resolveProxy } from './proxy.ts'
import { resolveTls, type TlsConfig, type TlsOptions } from './tls.ts'

export type { Environment }

/**
 * What to ask of a server that has written, when a read comes next.
 *
 * - `off`: nothing; a read from a lagging standby may miss the write.
 * - `repeat`: send the newest `X-Vault-Index`; a node that lags answers 412, and the request is repeated.
 * - `forward`: the same, and let a node that lags forward the request to the active one.
 */
export type ReadAfterWrite = 'off' | 'repeat' | 'forward'

/**
 * Where the server is, and how to talk to it. What is not told is taken from the environment: each
 * `VAULT_*` variable named here has a `BAO_*` twin that wins, and an option wins over both.
 */
export interface ServerOptions {
  /** `https://host:port`, `http://…` or `unix:///path`; a path before `/v1` is kept. Environment: `VAULT_ADDR`. Default: `https://127.0.0.1:8200`. */
  readonly address?: string
  /** Unix socket to connect to; `address` then only gives scheme and `Host`. */
  readonly socketPath?: string
  /** Namespace of requests that name none; `''` is the root. Environment: `VAULT_NAMESPACE`. Default: the root. */
  readonly namespace?: string
  /** Further namespaces that requests may name. Default: none. */
  readonly namespaces?: readonly string[]
  /** Environment: `VAULT_CACERT`, `VAULT_CACERT_BYTES`, `VAULT_CLIENT_CERT`, `VAULT_CLIENT_KEY`, `VAULT_TLS_SERVER_NAME`, `VAULT_SKIP_VERIFY`. */
  readonly tls?: TlsOptions
  /** Bound on one call, repeats included; milliseconds, 1 to 86,400,000. Environment: `VAULT_CLIENT_TIMEOUT`, as a Go duration or seconds. Default: 60,000. */
  readonly timeoutMs?: number
  /** Repeats after the first try; 0 for none, at most 100. Environment: `VAULT_MAX_RETRIES`. Default: 2. */
  readonly maxRetries?: number
  /** Wait before the first repeat, in milliseconds; it grows with each, plus up to half by chance. 0 to 60,000. Default: 1000. */
  readonly retryWaitMs?: number
  /** Largest answer that is read, in bytes; 1024 to 1 GiB. Default: 32 MiB. */
  readonly maxResponseBytes?: number
  /** Connections at once to a host; calls beyond wait for one. 1 to 65,536. Default: 64. */
  readonly connections?: number
  /**
   * URL of an HTTP proxy; `false` for none, whatever the environment says. Over `http:` it sees the token.
   * Environment: `VAULT_PROXY_ADDR`, `VAULT_HTTP_PROXY`, else `HTTPS_PROXY`, `HTTP_PROXY`, `NO_PROXY` as Go reads them.
   */
  readonly proxy?: string | false
  /** Hosts (`host` for the port of `address`, or `host:port`) that a redirect may lead to, and that get the token then: the cluster's other nodes. Default: none but the host of `address`. */
  readonly allowedRedirectHosts?: readonly string[]
  /** Talk HTTP/2 where the server offers it. Default: false, since gateways in between break it. */
  readonly allowH2?: boolean
  /** Default: `forward`. Only servers that send `X-Vault-Index` are affected. */
  readonly readAfterWrite?: ReadAfterWrite
  /** Keeps the body of each answer as it came, for `answer.body` and `ServerError.serverBody()`: for what passes answers on. Costs its size in memory. Default: false. */
  readonly keepBodies?: boolean
}

/** {@link ServerOptions}, complete and frozen. Secrets in it are sealed. */
export interface ServerConfig extends Address {
  readonly namespace: string
  /** Every namespace that requests may name, the default first. */
  readonly namespaces: readonly string[]
  readonly tls: TlsConfig
  readonly timeoutMs: number
  readonly maxRetries: number
  readonly retryWaitMs: number
  readonly maxResponseBytes: number
  readonly connections: number
  readonly proxy: ProxyConfig | undefined
  /** `host:port`, lower case, the host of `address` among them. */
  readonly allowedRedirectHosts: readonly string[]
  readonly allowH2: boolean
  readonly readAfterWrite: ReadAfterWrite
  /** Present where bodies are kept. */
  readonly keepBodies?: true
}

/** The numbers among {@link ServerConfig}. */
type Bounds = Pick<ServerConfig, 'timeoutMs' | 'maxRetries' | 'retryWaitMs' | 'maxResponseBytes' | 'connections'>

/** Defaults of {@link ServerOptions}. */
export const SERVER_DEFAULTS: Bounds = Object.freeze({
  timeoutMs: 60_000,
  maxRetries: 2,
  retryWaitMs: 1000,
  maxResponseBytes: 32 * 1024 * 1024,
  connections: 64,
})

const NAMES: readonly (keyof ServerOptions)[] = [
  'address',
  'socketPath',
  'namespace',
  'namespaces',
  'tls',
  'timeoutMs',
  'maxRetries',
  'retryWaitMs',
  'maxResponseBytes',
  'connections',
  'proxy',
  'allowedRedirectHosts',
  'allowH2',
  'readAfterWrite',
  'keepBodies',
]
const DAY_MS = 86_400_000

/**
 * `options`, checked, and completed from `env` and the defaults. Pure: reads no file and no process.
 *
 * @throws {TypeError|RangeError} naming the option or variable; never its value where that may be a secret.
 */
export function resolveServer(options: ServerOptions | undefined, env: Environment): ServerConfig {
  const given = options === undefined ? {} : options
  checkNames('server', given, NAMES)
  const address = resolveAddress(given.address, given.socketPath, env)
  const namespaces = resolveNamespaces(given, env)
  return Object.freeze({
    ...address,
    namespace: namespaces[0] ?? '',
    namespaces,
    tls: resolveTls(given.tls, env),
    ...resolveBounds(given, env),
    proxy: proxyFor(address, given.proxy, env),
    allowedRedirectHosts: redirectHosts(given.allowedRedirectHosts, new URL(address.origin)),
    allowH2: booleanOption('server.allowH2', given.allowH2, false),
    readAfterWrite: readAfterWriteOption(given.readAfterWrite),
    ...(booleanOption('server.keepBodies', given.keepBodies, false) ? { keepBodies: true } : {}),
  })
}

function resolveNamespaces(given: ServerOptions, env: Environment): readonly string[] {
  const variable = serverVariable(env, 'NAMESPACE')
  const own =
    given.namespace === undefined && variable !== undefined
      ? namespaceOption(variable.name, variable.text)
      : namespaceOption('server.namespace', given.namespace ?? '')
  const further = stringList('server.namespaces', given.namespaces)
  return Object.freeze([
    ...new Set([own, ...further.map((name, at) => namespaceOption(`server.namespaces[${at}]`, name))]),
  ])
}

function resolveBounds(given: ServerOptions, env: Environment): Bounds {
  const whole = (name: keyof Bounds, min: number, max: number, byEnv?: number): number =>
    numberOption(`server.${name}`, given[name], byEnv ?? SERVER_DEFAULTS[name], { min, max, integer: true })
  return {
    timeoutMs: whole('timeoutMs', 1, DAY_MS, given.timeoutMs === undefined ? timeoutOf(env) : undefined),
    maxRetries: whole('maxRetries', 0, 100, given.maxRetries === undefined ? retriesOf(env) : undefined),
    retryWaitMs: whole('retryWaitMs', 0, 60_000),
    maxResponseBytes: whole('maxResponseBytes', 1024, 2 ** 30),
    connections: whole('connections', 1, 65_536),
  }
}

function timeoutOf(env: Environment): number | undefined {
  const variable = serverVariable(env, 'CLIENT_TIMEOUT')
  if (variable === undefined) return undefined
  const timeoutMs = Math.ceil(durationMsOf(variable))
  // In Go, 0 switches the limit off. A call without end would hold its caller for ever.
  if (timeoutMs < 1 || timeoutMs > DAY_MS) throw new RangeError(`${variable.name} must be above 0 and at most 24h`)
  return timeoutMs
}

function retriesOf(env: Environment): number | undefined {
  const variable = serverVariable(env, 'MAX_RETRIES')
  if (variable === undefined) return undefined
  const retries = countOf(variable)
  if (retries > 100) throw new RangeError(`${variable.name} must be at most 100`)
  return retries
}

function proxyFor(address: Address, option: unknown, env: Environment): ProxyConfig | undefined {
  if (address.socketPath === undefined) return resolveProxy(option, env, new URL(address.origin))
  if (option === undefined || option === false) return undefined
  throw new RangeError('server.proxy and a unix socket exclude each other')
}

function redirectHosts(value: unknown, origin: URL): readonly string[] {
  const port = portOf(origin)
  const hosts = stringList('server.allowedRedirectHosts', value).map((text, at) => {
    const url = /[/@?#\\\s]/.test(text) ? null : URL.parse(`ws://${text}`)
    if (url === null || url.hostname === '') {
      throw new RangeError(`server.allowedRedirectHosts[${at}] must be host or host:port`)
    }
    const hasPort = /:\d+$/.test(text) && !text.endsWith(']')
    return `${url.hostname}:${hasPort ? portOf(url) : port}`
  })
  return Object.freeze([...new Set([`${origin.hostname}:${port}`, ...hosts])])
}

/** The port of `url`, also where it is the default of its scheme. */
export function portOf(url: URL): string {
  if (url.port !== '') return url.port
  return url.protocol === 'https:' ? '443' : '80'
}

function readAfterWriteOption(value: unknown): ReadAfterWrite {
  if (value === undefined) return 'forward'
  if (value === 'off' || value === 'repeat' || value === 'forward') return value
  throw new TypeError(`server.readAfterWrite must be 'off', 'repeat' or 'forward', got ${typed(value)}`)
}

function stringList(name: string, value: unknown): readonly string[] {
  if (value === undefined) return []
  if (!Array.isArray(value)) throw new TypeError(`${name} must be a list of strings, got ${typed(value)}`)
  for (const [at, item] of value.entries()) {
    if (typeof item !== 'string') throw new TypeError(`${name}[${at}] must be a string, got ${typed(item)}`)
  }
  return value
}
