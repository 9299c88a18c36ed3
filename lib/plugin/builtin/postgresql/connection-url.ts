import { PluginRefusal } from '../../refusal.ts'

/** Where a connection leads, and how. */
export interface Target {
  readonly host: string
  readonly port: number
  readonly user: string
  readonly password: string
  readonly database: string
  readonly sslmode: string | undefined
  readonly connectTimeoutMs: number
  readonly applicationName: string | undefined
  /** Settings of the session, as the start of a connection takes them: `-c name=value …`. */
  readonly options: string
}

/** What is put into `{{username}}` and `{{password}}`. */
export interface Login {
  readonly username: string
  readonly password: string
  /** They are percent-encoded already. */
  readonly isEncoded: boolean
}

type Parts = Readonly<Record<string, string>>

/**
 * Reads `text`: a `postgresql://` URL or `key=value` pairs, with `{{username}}` and `{{password}}` where they belong.
 *
 * The two are put in after the text was parted, so nothing in them can become a host, a port or an option.
 *
 * @throws {PluginRefusal} for what is neither, or asks for what this driver has not. Never holds a value.
 */
export function readConnectionUrl(text: string, login: Login): Target {
  const isUrl = /^postgres(?:ql)?:\/\//.test(text)
  const raw = isUrl ? partsOfUrl(text) : partsOfPairs(text)
  const plain = isUrl && login.isEncoded ? decoded : (value: string) => value
  const values: Parts = { username: plain(login.username), password: plain(login.password) }
  const fill = (part: string): string =>
    part.replaceAll(/\{\{(username|password)\}\}/g, (_, name: string) => values[name] ?? '')
  return targetOf(Object.fromEntries(Object.entries(raw).map(([key, part]) => [key, fill(part)])))
}

const URL_FORM = /^postgres(?:ql)?:\/\/(?:([^/?#]*)@)?([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/

function partsOfUrl(text: string): Parts {
  const [, login = '', address = '', database = '', query = ''] = URL_FORM.exec(text) ?? refuse('cannot be read')
  const colon = login.indexOf(':')
  const [, v6, name, port] = /^(?:\[([^\]]*)\]|([^:[\]]*))(?::(\d*))?$/.exec(address) ?? refuse('has no single host')
  const named = {
    user: decoded(colon === -1 ? login : login.slice(0, colon)),
    password: colon === -1 ? '' : decoded(login.slice(colon + 1)),
    host: v6 ?? decoded(name ?? ''),
    port: port ?? '',
    dbname: decoded(database),
  }
  const given = Object.fromEntries(Object.entries(named).filter(([, part]) => part !== ''))
  return { ...Object.fromEntries(new URLSearchParams(query)), ...given }
}

const PAIR = /\s*([A-Za-z_.]+)\s*=\s*(?:'((?:[^'\\]|\\.)*)'|((?:[^\s\\']|\\.)*))(?=\s|$)/y

function partsOfPairs(text: string): Parts {
  const trimmed = text.trim()
  const pairs: [string, string][] = []
  PAIR.lastIndex = 0
  while (PAIR.lastIndex < trimmed.length) {
    const [, key, long, short] = PAIR.exec(trimmed) ?? refuse('is neither a postgresql:// URL nor key=value pairs')
    if (key !== undefined) pairs.push([key, (long ?? short ?? '').replaceAll(/\\(.)/g, '$1')])
  }
  return Object.fromEntries(pairs)
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text)
  } catch {
    return refuse('has a % that encodes nothing')
  }
}

/** Options of other drivers that change nothing here. */
const IGNORED: ReadonlySet<string> = new Set([
  'binary_parameters',
  'channel_binding',
  'default_query_exec_mode',
  'description_cache_capacity',
  'fallback_application_name',
  'gssencmode',
  'min_read_buffer_size',
  'prefer_simple_protocol',
  'sslsni',
  'statement_cache_capacity',
  'statement_cache_mode',
  'target_session_attrs',
])
const FILES: ReadonlySet<string> = new Set(['sslrootcert', 'sslcert', 'sslkey', 'sslpassword', 'passfile', 'service'])

function targetOf(parts: Parts): Target {
  const { host, port, user, password, dbname, database, sslmode, connect_timeout, application_name, options, ...rest } =
    parts
  const settings = Object.entries(rest).filter(([name]) => !IGNORED.has(name))
  for (const [name] of settings) {
    if (FILES.has(name)) refuse(`has ${name}, which names a file: use tls_ca, tls_certificate and private_key`)
    if (!/^[a-z_]+(?:\.[a-z_]+)?$/.test(name)) refuse('has an option whose name is none')
  }
  if (host?.includes(',') === true) refuse('has more than one host')
  return {
    host: host ?? 'localhost',
    port: wholeNumber(port, 5432, 65_535),
    user: user ?? '',
    password: password ?? '',
    database: dbname ?? database ?? user ?? '',
    sslmode,
    connectTimeoutMs: wholeNumber(connect_timeout, 10, 3_600) * 1_000,
    applicationName: application_name,
    options: [options ?? '', ...settings.map(([name, value]) => `-c ${name}=${optionText(value)}`)].join(' ').trim(),
  }
}

function optionText(value: string): string {
  return value.replaceAll(/[\\\s]/g, '\\$&')
}

function wholeNumber(text: string | undefined, standard: number, max: number): number {
  if (text === undefined || text === '') return standard
  const number = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN
  return number >= 1 && number <= max ? number : refuse('has a port or time limit out of range')
}

function refuse(why: string): never {
  throw new PluginRefusal(`connection_url ${why}`)
}
