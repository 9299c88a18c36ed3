import { randomBytes } from 'node:crypto'
import { inspect } from 'node:util'

/** Secrets by name. */
export type Planted<N extends string = string> = Readonly<Record<N, string>>

/** A place where a planted secret was found. Holds no secret, so that a failed test does not print one. */
export interface Finding {
  /** Name of the secret. */
  readonly name: string
  /** Path from the target: `.cause.stack`, `[3]`, `inspect()`, `JSON`. */
  readonly where: string
  /** How it was written. */
  readonly form: Form
}

/** The ways of writing a secret that are searched for. */
export type Form = 'plain' | 'base64' | 'base64url' | 'hex' | 'url' | 'json'

/**
 * Random secrets, one for each name, that stand nowhere else: whatever shows one has leaked it.
 *
 * They hold `/`, `+`, `%` and quotes, so that their URL and JSON forms differ from the plain one.
 *
 * @example
 * const secrets = plantSecrets(['token', 'password'])
 * await server.root('POST', 'secret/data/orders', { data: { password: secrets.password } })
 * // … whatever the application does
 * assert.deepEqual(findPlanted([logs, errors, spans], secrets), [])
 */
export function plantSecrets<N extends string>(names: readonly N[]): Planted<N> {
  const secrets = names.map((name) => [
    name,
    `planted/${randomBytes(9).toString('hex')}+"%'${randomBytes(9).toString('hex')}`,
  ])
  return Object.freeze(Object.fromEntries(secrets) as Record<N, string>)
}

/** Random secrets of letters and digits alone, for what may go into a header: tokens, ids. */
export function plantTokens<N extends string>(names: readonly N[]): Planted<N> {
  const secrets = names.map((name) => [name, `planted-${randomBytes(18).toString('hex')}`])
  return Object.freeze(Object.fromEntries(secrets) as Record<N, string>)
}

/**
 * Everywhere in `target` that one of `secrets` can be read, plain or as base64, hex, URL or JSON text.
 *
 * Looks into strings, bytes, own properties (also those that are not enumerable, or keyed by symbols), accessors,
 * causes and stacks of errors, Maps, Sets, headers, and what `inspect` and `JSON.stringify` show of it all. Private
 * fields are out of reach, and so safe.
 *
 * @returns One finding for each place, secret and form; none when nothing leaked.
 */
export function findPlanted(target: unknown, secrets: Planted): readonly Finding[] {
  const needles = Object.entries(secrets).flatMap(([name, secret]) => formsOf(name, secret))
  const findings = new Map<string, Finding>()
  for (const { text, where } of textsOf(target)) {
    for (const { name, form, matches } of needles) {
      if (matches(text)) findings.set(JSON.stringify([name, where, form]), { name, where, form })
    }
  }
  return [...findings.values()]
}

interface Needle {
  readonly name: string
  readonly form: Form
  matches(text: string): boolean
}

function formsOf(name: string, secret: string): readonly Needle[] {
  if (secret.length < 8) throw new RangeError(`secret ${name} is shorter than 8 characters: it may be found by chance`)
  const bytes = Buffer.from(secret)
  const contains = (form: Form, needle: string): Needle => ({ name, form, matches: (text) => text.includes(needle) })
  const other = (form: Form, needle: string): readonly Needle[] => (needle === secret ? [] : [contains(form, needle)])
  const hex = bytes.toString('hex')
  const encoded = encodeURIComponent(secret)
  return [
    contains('plain', secret),
    ...aligned(bytes).flatMap((text) => [contains('base64', text), contains('base64url', urlSafe(text))]),
    { name, form: 'hex', matches: (text) => text.toLowerCase().includes(hex) },
    ...(encoded === secret ? [] : [{ name, form: 'url' as const, matches: matchesUrl(encoded) }]),
    ...other('json', JSON.stringify(secret).slice(1, -1)),
  ]
}

/** Percent-encoding in upper or lower case, with `+` or `%20` for spaces. */
function matchesUrl(encoded: string): (text: string) => boolean {
  const lower = encoded.toLowerCase()
  return (text) => text.includes('%') && text.toLowerCase().includes(lower)
}

/** The secret in base64, wherever it stands in the text that was encoded: the characters that its neighbours do not change. */
function aligned(bytes: Buffer): readonly string[] {
  return [0, 1, 2].map((offset) => {
    const text = Buffer.concat([Buffer.alloc(offset), bytes]).toString('base64')
    const start = Math.ceil((offset * 8) / 6)
    const end = Math.floor(((offset + bytes.length) * 8) / 6)
    return text.slice(start, end)
  })
}

function urlSafe(base64: string): string {
  return base64.replaceAll('+', '-').replaceAll('/', '_')
}

interface Text {
  readonly text: string
  readonly where: string
}

/** Deepest nesting that is searched; what lies below is left to `inspect`. */
const MAX_DEPTH = 64

function* textsOf(target: unknown): Generator<Text> {
  yield* walk(target, '', new Set(), 0)
  yield { text: shown(() => inspect(target, DEEP)), where: 'inspect()' }
  yield { text: shown(() => inspect(target, { depth: Infinity })), where: 'inspect() as logged' }
  yield { text: shown(() => JSON.stringify(target) ?? ''), where: 'JSON' }
  yield { text: shown(() => String(target)), where: 'String()' }
}

const DEEP = {
  showHidden: true,
  depth: Infinity,
  getters: true,
  maxArrayLength: Infinity,
  maxStringLength: Infinity,
  breakLength: Infinity,
} as const

/** What cannot be shown (cycles in JSON, throwing getters) shows nothing. */
function shown(show: () => string): string {
  try {
    return show()
  } catch {
    return ''
  }
}

function* walk(value: unknown, where: string, seen: Set<object>, depth: number): Generator<Text> {
  if (typeof value === 'string') yield { text: value, where }
  else if (typeof value === 'symbol' || typeof value === 'bigint') yield { text: String(value), where }
  if ((typeof value !== 'object' && typeof value !== 'function') || value === null) return
  if (seen.has(value) || depth > MAX_DEPTH) return
  seen.add(value)
  const bytes = bytesOf(value)
  if (bytes !== undefined) yield* bothCodings(bytes, where)
  else for (const [name, inner] of childrenOf(value)) yield* walk(inner, `${where}${name}`, seen, depth + 1)
}

function bytesOf(value: object): Buffer | undefined {
  if (ArrayBuffer.isView(value)) return Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return value instanceof ArrayBuffer || value instanceof SharedArrayBuffer ? Buffer.from(value) : undefined
}

function* bothCodings(bytes: Buffer, where: string): Generator<Text> {
  yield { text: bytes.toString('latin1'), where }
  yield { text: bytes.toString('utf16le'), where }
}

function* childrenOf(value: object): Generator<readonly [string, unknown]> {
  if (value instanceof Map) {
    for (const [key, inner] of value) {
      yield ['.keys()', key]
      yield [`.get(${typeof key === 'string' ? 'string' : typeof key})`, inner]
    }
  } else if (isIterable(value) && !Array.isArray(value) && typeof value !== 'function') {
    for (const inner of shownItems(value)) yield ['.values()', inner]
  }
  for (const key of Reflect.ownKeys(value)) yield* property(value, key)
}

function* property(value: object, key: string | symbol): Generator<readonly [string, unknown]> {
  const name = typeof key === 'symbol' ? `[${String(key)}]` : /^\d+$/.test(key) ? `[${key}]` : `.${key}`
  // A name can be a secret as well: `where` must not tell it.
  yield ['.<name>', typeof key === 'symbol' ? String(key) : key]
  yield [name.length > 40 ? '.<long name>' : name, readSafely(value, key)]
}

function readSafely(value: object, key: string | symbol): unknown {
  try {
    return Reflect.get(value, key)
  } catch {
    return undefined
  }
}

/** Sets, headers, query parameters. A generator is left alone: reading it would use it up. */
function isIterable(value: object): value is Iterable<unknown> {
  const isOneShot = typeof (value as { next?: unknown }).next === 'function'
  return !isOneShot && typeof (value as { [Symbol.iterator]?: unknown })[Symbol.iterator] === 'function'
}

/** A bound, since an iterable can be endless. */
const MAX_ITEMS = 100_000

function shownItems(value: Iterable<unknown>): readonly unknown[] {
  const items: unknown[] = []
  try {
    for (const item of value) if (items.push(item) === MAX_ITEMS) break
  } catch {
    // What cannot be iterated shows nothing.
  }
  return items
}
