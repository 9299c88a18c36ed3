import { isDeepStrictEqual } from 'node:util'
import type { WireAnswer } from './peer.ts'

/** One place where two answers differ: where, and what stands there in either. `undefined`: nothing. */
export type Difference = readonly [at: string, first: unknown, second: unknown]

/** Seconds by which times that run down may differ between two peers. */
const SLACK_S = 2
const RUNNING_DOWN: ReadonlySet<string> = new Set(['ttl', 'lease_duration'])

/** Where `first` and `second` differ, deepest place first named. Lists of unequal length differ as a whole. */
export function differences(first: unknown, second: unknown, at = ''): readonly Difference[] {
  if (isDeepStrictEqual(first, second)) return []
  if (isObject(first) && isObject(second)) {
    const keys = [...new Set([...Object.keys(first), ...Object.keys(second)])].sort()
    return keys.flatMap((key) => differences(first[key], second[key], at === '' ? key : `${at}.${key}`))
  }
  if (Array.isArray(first) && Array.isArray(second) && first.length === second.length)
    return first.flatMap((item, index) => differences(item, second[index], `${at}[${index}]`))
  if (typeof first === 'number' && typeof second === 'number' && RUNNING_DOWN.has(at.split('.').at(-1) ?? ''))
    if (Math.abs(first - second) <= SLACK_S) return []
  return [[at, first, second]]
}

/** Of answers of unequal status: told as a whole, each without what it leaves empty. */
export function answerDifferences(first: WireAnswer, second: WireAnswer): readonly Difference[] {
  if (first.status === second.status) return differences(first, second)
  return [['', told(first), told(second)]]
}

function told({ status, body }: WireAnswer): unknown {
  if (!isObject(body)) return { status, ...(body === undefined ? {} : { body }) }
  const empty: readonly unknown[] = [null, '', false, 0, '<request_id>']
  return { status, ...Object.fromEntries(Object.entries(body).filter(([, value]) => !empty.includes(value))) }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

const UUID = '[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}'
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [new RegExp(UUID, 'g'), '<uuid>'],
  [/\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)/g, '<time>'],
  [/(?<![\w./-])(?:s|hvs|b|hvb)\.[A-Za-z0-9_-]{20,}/g, '<token>'],
  [/\/[A-Za-z0-9]{24}(?=$|["\s])/g, '/<id>'],
  [/(?<=_)[0-9a-f]{8}$/g, '<accessor>'],
]

/** Numbers that are moments, by their name. */
const MOMENTS: ReadonlySet<string> = new Set(['creation_time', 'last_renewal_time'])
/** Texts that are made by chance, by their name. */
const CHANCE: ReadonlySet<string> = new Set(['accessor', 'request_id', 'token', 'client_token', 'wrapped_accessor'])

/** `value` with what is made by chance, and what the clock says, named instead of told. */
export function normalised(value: unknown, names: ReadonlyMap<string, string>, key = ''): unknown {
  if (typeof value === 'string') {
    if (value !== '' && CHANCE.has(key)) return `<${key}>`
    let text = value
    for (const [from, to] of names) text = text.replaceAll(from, to)
    return TEXTS.reduce((done, [pattern, name]) => done.replace(pattern, name), text)
  }
  if (typeof value === 'number' && MOMENTS.has(key) && value > 0) return '<moment>'
  if (Array.isArray(value)) return value.map((item) => normalised(item, names))
  if (!isObject(value)) return value
  return Object.fromEntries(
    Object.entries(value).map(([name, item]) => [normalised(name, names) as string, normalised(item, names, name)]),
  )
}
