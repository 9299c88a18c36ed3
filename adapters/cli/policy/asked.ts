import type { createCaller, TrialRequest } from 'portcullis/policy'
import { CommandError, UsageError } from '../exit.ts'
import { readTextFile } from './files.ts'

/** How a request and who makes it are told on a command line. */
export interface AskedOptions {
  /** JSON of one caller each, the gateway's own first. */
  readonly caller?: readonly string[]
  readonly data?: string
  readonly query?: readonly string[]
  readonly namespace?: string
  readonly wrapTtl?: string
  readonly at?: string
}

const OPERATIONS = ['read', 'list', 'scan', 'write', 'patch', 'delete'] as const

/** The request that the arguments tell. @throws {UsageError}; {CommandError} `ERR_INPUT` for data that cannot be read. */
export async function askedRequest(operation: string, path: string, options: AskedOptions): Promise<TrialRequest> {
  const known = OPERATIONS.find((name) => name === operation)
  if (known === undefined) throw new UsageError(wrongOperation(operation))
  const wrapTtlMs = options.wrapTtl === undefined ? undefined : wrapTtl(options.wrapTtl)
  const data = options.data === undefined ? undefined : await dataOf(options.data)
  return {
    ...{ operation: known, path, query: queryOf(options.query) },
    ...{ atMs: options.at === undefined ? Date.now() : await timeOf(options.at) },
    ...(options.namespace === undefined ? {} : { namespace: options.namespace }),
    ...(wrapTtlMs === undefined ? {} : { wrapTtlMs }),
    ...(data === undefined ? {} : { data }),
  }
}

/** The caller that the arguments tell: each is one made by `as()` of the one before. @throws {UsageError} */
export function askedCaller(
  texts: readonly string[] | undefined,
  create: typeof createCaller,
): ReturnType<typeof createCaller> {
  let caller: ReturnType<typeof createCaller> | undefined
  for (const text of texts ?? []) {
    const attributes = attributesOf(text)
    try {
      caller = create(attributes, caller)
    } catch (error) {
      throw new UsageError(`--caller: ${(error as Error).message}`)
    }
  }
  return caller ?? create({})
}

/** @throws {UsageError} without what the text says: it was meant for the policies, and may be anything. */
function attributesOf(text: string): Parameters<typeof createCaller>[0] {
  const parsed = parsedObject(text)
  if (parsed === undefined) throw new UsageError(`--caller must be a JSON object, such as '{"service":"orders"}'`)
  return parsed as Parameters<typeof createCaller>[0]
}

function wrongOperation(operation: string): string {
  const hint = operation === 'create' || operation === 'update' ? '; what creates or updates is a write' : ''
  return `the operation must be one of ${OPERATIONS.join(', ')}, not ${JSON.stringify(operation)}${hint}`
}

async function dataOf(source: string): Promise<object> {
  if (source !== '-' && !source.startsWith('@')) {
    throw new UsageError('--data takes @FILE, or - for standard input: others on the machine can read arguments')
  }
  const { file, text } = await readTextFile(source === '-' ? '-' : source.slice(1))
  const data = parsedObject(text)
  if (data === undefined) throw new CommandError(`${file} is no JSON object`, 'ERR_INPUT')
  return data
}

/** `undefined` for what is none; the engine's own message would quote the text, which may be a secret. */
function parsedObject(text: string): object | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? value : undefined
  } catch {
    return undefined
  }
}

function queryOf(pairs: readonly string[] = []): Readonly<Record<string, string>> {
  const query = new Map<string, string>()
  for (const pair of pairs) {
    const at = pair.indexOf('=')
    if (at < 1) throw new UsageError('--query must be name=value, such as version=2')
    const name = pair.slice(0, at)
    if (query.has(name)) throw new UsageError(`--query ${name} is given twice; a request has one value a name`)
    query.set(name, pair.slice(at + 1))
  }
  return Object.fromEntries(query)
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

function wrapTtl(text: string): number {
  const [, count, unit = ''] = /^([1-9][0-9]{0,4})([smh])$/.exec(text) ?? []
  const seconds = SECONDS[unit]
  if (seconds === undefined)
    throw new UsageError(`--wrap-ttl must be such as 60s, 5m or 1h, not ${JSON.stringify(text)}`)
  return Number(count) * seconds * 1000
}

async function timeOf(text: string): Promise<number> {
  const { isoTimeMs } = await import('portcullis/policy')
  const time = isoTimeMs(text)
  if (time === undefined) {
    throw new UsageError(`--at must be a time with its zone, such as 2026-01-05T09:30:00Z, not ${JSON.stringify(text)}`)
  }
  return time
}
