import { BlockList, isIP } from 'node:net'
import { type Sealed, seal } from '../model/sealed.ts'
import { anyVariable, type Environment, serverVariable } from './environment.ts'

/** An HTTP proxy on the way to the server. */
export interface ProxyConfig {
  /** Host and port, for messages. */
  readonly host: string
  /** The whole URL; may hold a password. */
  readonly url: Sealed<string>
}

/** A proxy as told by `option`, else by the environment; `undefined` for none. @throws {TypeError|RangeError} naming the source. */
export function resolveProxy(option: unknown, env: Environment, address: URL): ProxyConfig | undefined {
  if (option === false) return undefined
  if (option !== undefined) return proxyOf('server.proxy', option)
  const own = serverVariable(env, 'PROXY_ADDR') ?? serverVariable(env, 'HTTP_PROXY')
  if (own !== undefined) return proxyOf(own.name, own.text)
  const isHttps = address.protocol === 'https:'
  const general = isHttps
    ? anyVariable(env, 'HTTPS_PROXY', 'https_proxy')
    : anyVariable(env, 'HTTP_PROXY', 'http_proxy')
  if (general === undefined || isExempt(address, anyVariable(env, 'NO_PROXY', 'no_proxy')?.text ?? '')) return undefined
  // A CGI process gets the request header `Proxy:` as HTTP_PROXY: the caller could choose the proxy.
  if (!isHttps && env.REQUEST_METHOD !== undefined) {
    throw new RangeError(`${general.name} is refused in a CGI process; set server.proxy instead`)
  }
  return proxyOf(general.name, general.text)
}

function proxyOf(name: string, value: unknown): ProxyConfig {
  if (typeof value !== 'string' || value === '') {
    throw new TypeError(`${name} must be the URL of a proxy${name === 'server.proxy' ? ', or false' : ''}`)
  }
  const url = URL.parse(value.includes('://') ? value : `http://${value}`)
  if (url === null) throw new TypeError(`${name} is no URL`)
  if (url.protocol !== 'http:' && url.protocol !== 'https:') {
    throw new RangeError(`${name} must be an http: or https: proxy, got ${url.protocol}`)
  }
  return Object.freeze({ host: url.host, url: seal(url.href) })
}

/**
 * Is `address` reached without the proxy? As Go decides it: `localhost` and loopback addresses always;
 * else by the entries of NO_PROXY (`*`, host, `.domain`, IP, CIDR block, each with an optional port).
 */
export function isExempt(address: URL, noProxy: string): boolean {
  const host = address.hostname.toLowerCase().replace(/^\[|\]$/g, '')
  const port = address.port === '' ? (address.protocol === 'https:' ? '443' : '80') : address.port
  if (host === 'localhost' || isWithin(host, '127.0.0.0/8') || host === '::1') return true
  return noProxy.split(',').some((entry) => matches(entry.trim().toLowerCase(), host, port))
}

function matches(entry: string, host: string, port: string): boolean {
  if (entry === '') return false
  if (entry === '*') return true
  if (entry.includes('/')) return isWithin(host, entry)
  const [name, onlyPort] = splitPort(entry)
  if (onlyPort !== '' && onlyPort !== port) return false
  if (isIP(name) !== 0 || isIP(host) !== 0) return isWithin(host, `${name}/${name.includes(':') ? 128 : 32}`)
  const domain = name.replace(/^\*/, '')
  return domain.startsWith('.') ? host.endsWith(domain) : host === domain || host.endsWith(`.${domain}`)
}

function splitPort(entry: string): readonly [string, string] {
  if (isIP(entry) === 6) return [entry, '']
  const found = /^(.*?)(?::(\d+))?$/.exec(entry)
  return [(found?.[1] ?? '').replace(/^\[|\]$/g, ''), found?.[2] ?? '']
}

function isWithin(host: string, block: string): boolean {
  const [net = '', bits = ''] = block.split('/')
  const family = isIP(net)
  if (family === 0 || family !== isIP(host) || !/^\d{1,3}$/.test(bits)) return false
  if (Number(bits) > (family === 4 ? 32 : 128)) return false
  const list = new BlockList()
  list.addSubnet(net, Number(bits), family === 4 ? 'ipv4' : 'ipv6')
  return list.check(host, family === 4 ? 'ipv4' : 'ipv6')
}
