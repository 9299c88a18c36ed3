import { stringOption } from './check.ts'
import { type Environment, serverVariable } from './environment.ts'

/** Where the server listens. */
export interface Address {
  /** For messages and spans; holds no credentials. */
  readonly address: string
  /** Scheme, host and port. */
  readonly origin: string
  /** Path before `/v1/`: empty, or `/vault` where the server sits behind one. */
  readonly prefix: string
  /** Unix socket to connect to instead of the host. */
  readonly socketPath: string | undefined
}

/** The field's default: a server on this machine. */
export const DEFAULT_ADDRESS = 'https://127.0.0.1:8200'

/** The address from the options, else from `BAO_ADDR` or `VAULT_ADDR`. @throws {TypeError|RangeError} naming the source, not its value, which may hold a password. */
export function resolveAddress(address: unknown, socketPath: unknown, env: Environment): Address {
  const variable = serverVariable(env, 'ADDR')
  const name = address === undefined && variable !== undefined ? variable.name : 'server.address'
  const socket = socketOption('server.socketPath', socketPath)
  const text = stringOption('server.address', address, socket === undefined ? variable?.text : undefined)
  if (text?.startsWith('unix:') === true) {
    if (socket !== undefined) throw new RangeError(`${name} names a socket already; drop server.socketPath`)
    return onSocket(socketOption(name, text.replace(/^unix:(?:\/\/)?/, '')) ?? '')
  }
  if (text === undefined && socket !== undefined) return onSocket(socket)
  return withOrigin(name, text ?? DEFAULT_ADDRESS, socket)
}

function onSocket(socketPath: string): Address {
  return { address: `unix://${socketPath}`, origin: 'http://localhost', prefix: '', socketPath }
}

function withOrigin(name: string, text: string, socketPath: string | undefined): Address {
  const url = URL.parse(text)
  if (url === null) throw new TypeError(`${name} must be a URL such as https://vault:8200`)
  if (url.protocol !== 'https:' && url.protocol !== 'http:') {
    throw new RangeError(`${name} must start with https://, http:// or unix://, got ${url.protocol}`)
  }
  if (url.username !== '' || url.password !== '') throw new RangeError(`${name} must not hold a user name or password`)
  if (url.search !== '' || url.hash !== '') throw new RangeError(`${name} must not have a query or fragment`)
  const prefix = url.pathname.replace(/\/+$/, '')
  if (prefix.endsWith('/v1')) throw new RangeError(`${name} must not end in /v1; it is added to every path`)
  return { address: `${url.origin}${prefix}`, origin: url.origin, prefix, socketPath }
}

function socketOption(name: string, value: unknown): string | undefined {
  const path = stringOption(name, value, undefined)
  if (path === undefined) return undefined
  if (!path.startsWith('/')) throw new RangeError(`${name} must be the absolute path of a socket`)
  if (path.includes('\0')) throw new RangeError(`${name} must not have a NUL character`)
  return path
}
