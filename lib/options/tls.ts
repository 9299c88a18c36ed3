import { Buffer } from 'node:buffer'
import { type Sealed, seal } from '../model/sealed.ts'
import { booleanOption, checkNames, stringOption, typed } from './check.ts'
import { type Environment, flagOf, serverVariable } from './environment.ts'

/** TLS towards the server. PEM text is given as it is; files are named by the options that end in `File`, and read once, at the start. */
export interface TlsOptions {
  /** Certificates of the authorities to trust, PEM. They replace those that Node trusts. Default: Node's. */
  readonly ca?: string | Buffer
  readonly caFile?: string
  /** Certificate of this client, with its chain; PEM. Needs a key. */
  readonly cert?: string | Buffer
  readonly certFile?: string
  /** Private key of this client, PEM, not encrypted. */
  readonly key?: string | Buffer
  readonly keyFile?: string
  /** Name that the server's certificate must carry. Default: the host of `address`. */
  readonly serverName?: string
  /** DANGEROUS: takes any certificate, so that anyone on the way can read tokens and secrets. Default: false. */
  readonly insecureSkipVerify?: boolean
}

/** PEM, or the file that holds it. */
export type PemSource =
  | { readonly kind: 'text'; readonly pem: Sealed<string> }
  | { readonly kind: 'file'; readonly name: string; readonly path: string }

/** {@link TlsOptions}, complete. */
export interface TlsConfig {
  readonly ca: PemSource | undefined
  readonly cert: PemSource | undefined
  readonly key: PemSource | undefined
  readonly serverName: string | undefined
  readonly insecureSkipVerify: boolean
}

const NAMES = ['ca', 'caFile', 'cert', 'certFile', 'key', 'keyFile', 'serverName', 'insecureSkipVerify'] as const

/** `options`, completed from the environment. @throws {TypeError|RangeError} naming the option or variable. */
export function resolveTls(options: TlsOptions = {}, env: Environment): TlsConfig {
  checkNames('server.tls', options, NAMES)
  const pair = clientPair(options, env)
  const skip = serverVariable(env, 'SKIP_VERIFY')
  const skipByEnv = skip === undefined ? false : flagOf(skip)
  return Object.freeze({
    ca: pemOption('ca', options.ca, options.caFile) ?? caOf(env),
    cert: pair.cert,
    key: pair.key,
    serverName: stringOption('server.tls.serverName', options.serverName, serverVariable(env, 'TLS_SERVER_NAME')?.text),
    insecureSkipVerify: booleanOption('server.tls.insecureSkipVerify', options.insecureSkipVerify, skipByEnv),
  })
}

function caOf(env: Environment): PemSource | undefined {
  const text = serverVariable(env, 'CACERT_BYTES')
  if (text !== undefined) return pemText(text.name, text.text)
  const file = serverVariable(env, 'CACERT')
  if (file !== undefined) return pemFile(file.name, file.text)
  const folder = serverVariable(env, 'CAPATH')
  if (folder === undefined) return undefined
  throw new RangeError(
    `${folder.name} is not supported; put the certificates into one file and name it in VAULT_CACERT`,
  )
}

/** Certificate and key belong together: they come from the options or from the environment, never one from each. */
function clientPair(options: TlsOptions, env: Environment): Pick<TlsConfig, 'cert' | 'key'> {
  const cert = pemOption('cert', options.cert, options.certFile)
  const key = pemOption('key', options.key, options.keyFile)
  if ((cert === undefined) !== (key === undefined)) {
    throw new RangeError('server.tls needs both a certificate (cert, certFile) and its key (key, keyFile)')
  }
  if (cert !== undefined) return { cert, key }
  const certFile = serverVariable(env, 'CLIENT_CERT')
  const keyFile = serverVariable(env, 'CLIENT_KEY')
  if ((certFile === undefined) !== (keyFile === undefined)) {
    throw new RangeError('VAULT_CLIENT_CERT and VAULT_CLIENT_KEY must both be set, or neither')
  }
  return {
    cert: certFile && pemFile(certFile.name, certFile.text),
    key: keyFile && pemFile(keyFile.name, keyFile.text),
  }
}

function pemOption(name: string, text: unknown, path: unknown): PemSource | undefined {
  const option = `server.tls.${name}`
  if (text !== undefined && path !== undefined) throw new RangeError(`${option} and ${option}File exclude each other`)
  if (path !== undefined) return pemFile(`${option}File`, path)
  return text === undefined ? undefined : pemText(option, text)
}

function pemFile(name: string, path: unknown): PemSource {
  if (typeof path !== 'string' || path === '') throw new TypeError(`${name} must name a file, got ${typed(path)}`)
  return Object.freeze({ kind: 'file', name, path })
}

function pemText(name: string, value: unknown): PemSource {
  const text = Buffer.isBuffer(value) ? value.toString('utf8') : value
  if (typeof text !== 'string') throw new TypeError(`${name} must be PEM text or a Buffer of it, got ${typed(value)}`)
  if (!text.includes('-----BEGIN ')) throw new TypeError(`${name} is no PEM text; a file is named by the File option`)
  return Object.freeze({ kind: 'text', pem: seal(text) })
}
