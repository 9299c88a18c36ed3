import type { ValidateFunction } from 'ajv/dist/2020.js'
import testSchema from '../../../schemas/policy-test.schema.json' with { type: 'json' }
import type { Caller, CallerAttributes } from '../../model/caller.ts'
import { isoTimeMs } from '../../model/iso-time.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { Operation } from '../../model/operation.ts'
import { createCaller, holderBelow } from '../../options/caller.ts'
import { namespaceProblem, structureRefusal } from '../load.ts'
import { suggestion } from '../nearest.ts'
import { parsePolicyText } from '../parse.ts'
import { Place } from '../place.ts'
import type { TrialRequest } from '../trial.ts'
import type { ExpectedAnswer, ExpectedDecision, PolicyTest, PolicyTestRow } from './policy-test.ts'

/** When requests are made whose table says no time: a Monday at noon, so that a test says the same every day. */
export const TABLE_TIME = '2026-01-05T12:00:00Z'

/**
 * The table in the text of a `*.policy-test.json`.
 *
 * @param file - Name for messages.
 * @throws {PolicyLoadError} `ERR_PORTCULLIS_POLICY_INVALID`: no JSON, or no such table; names file and pointer.
 */
export async function parsePolicyTest(file: string, text: string): Promise<PolicyTest> {
  const { document } = parsePolicyText(file, text)
  const place = new Place(file)
  const isTest = await validator()
  if (!isTest(document)) throw structureRefusal(isTest.errors?.[0] ?? NO_ERROR, place)
  return new Reader(document as JsonObject, place).whole()
}

const NO_ERROR = { instancePath: '', schemaPath: '', keyword: '', params: {}, message: 'is no policy test' }

let loaded: Promise<ValidateFunction> | undefined

function validator(): Promise<ValidateFunction> {
  loaded ??= import('ajv/dist/2020.js').then(({ Ajv2020 }) => {
    const settings = { strict: true, strictTypes: false, ownProperties: true, verbose: true, logger: false } as const
    return new Ajv2020(settings).compile(testSchema)
  })
  return loaded
}

class Reader {
  readonly #source: JsonObject
  readonly #place: Place
  readonly #namespace: string
  readonly #callers: ReadonlyMap<string, JsonValue>

  constructor(source: JsonObject, place: Place) {
    this.#source = source
    this.#place = place
    this.#namespace = namespaceOf(source.namespace, place.at('namespace')) ?? ''
    this.#callers = new Map(Object.entries(isJsonObject(source.callers) ? source.callers : {}))
  }

  whole(): PolicyTest {
    const { policies = ['.'], namespaces, tests } = this.#source
    for (const [name, chain] of this.#callers) this.#chain(chain, this.#place.at('callers', name))
    return Object.freeze({
      file: this.#place.file,
      policies: policies as readonly string[],
      namespace: this.#namespace,
      namespaces: namespaces === undefined ? undefined : this.#namespaces(namespaces as readonly string[]),
      rows: (tests as readonly JsonObject[]).map((row, index) => this.#row(row, this.#place.at('tests', index))),
    })
  }

  #namespaces(namespaces: readonly string[]): readonly string[] {
    return namespaces.map((name, at) => namespaceOf(name, this.#place.at('namespaces', at)) ?? '')
  }

  #row(row: JsonObject, place: Place): PolicyTestRow {
    const expected = expectedOf(row.expect)
    const answers = Array.isArray(row.answers) ? (row.answers as readonly JsonObject[]) : []
    if (answers.length > 0 && expected.effect === 'deny') {
      throw place.at('answers').refusal('has a meaning only beside "expect": "allow": what is refused has no answer')
    }
    const { operation, path, name } = row as { readonly [name: string]: string }
    return Object.freeze({
      name: name ?? `${operation} ${path}`,
      pointer: place.pointer,
      caller: this.#caller(row, place),
      request: this.#request(row, place),
      expected,
      answers: answers.map(answerOf),
    })
  }

  #request(row: JsonObject, place: Place): TrialRequest {
    const { operation, path, data, query, wrapTtl, namespace, at } = row
    const own = namespaceOf(namespace, place.at('namespace'))
    const isOwnTime = typeof at === 'string'
    return {
      operation: operation as Operation,
      path: path as string,
      atMs: timeOf(isOwnTime ? at : this.#source.at, isOwnTime ? place.at('at') : this.#place.at('at')),
      ...(data === undefined ? {} : { data }),
      ...(query === undefined ? {} : { query: query as NonNullable<TrialRequest['query']> }),
      ...(typeof wrapTtl === 'string' ? { wrapTtlMs: wholeSecondsMs(wrapTtl) } : {}),
      ...(own === undefined ? {} : { namespace: own }),
    }
  }

  #caller(row: JsonObject, place: Place): Caller {
    const isOwn = row.caller !== undefined
    const here = (isOwn ? place : this.#place).at('caller')
    const caller = this.#named((isOwn ? row.caller : this.#source.caller) ?? {}, here)
    if (!isJsonObject(row.token)) return caller
    const { mount, policies = [], alias = '', entity = '', metadata = {} } = row.token
    const token = { mount, policies, alias, entity, metadata } as unknown as Parameters<typeof holderBelow>[1]
    return holderBelow(caller, token, (link) => link === caller)
  }

  #named(caller: JsonValue, place: Place): Caller {
    if (typeof caller !== 'string') return this.#chain(caller, place)
    const chain = this.#callers.get(caller)
    if (chain === undefined) {
      const hint = suggestion(caller, [...this.#callers.keys()])
      throw place.refusal(`"callers" has no ${JSON.stringify(caller)}${hint}`)
    }
    return this.#chain(chain, this.#place.at('callers', caller))
  }

  #chain(chain: JsonValue, place: Place): Caller {
    const links = (Array.isArray(chain) ? chain : [chain]) as readonly CallerAttributes[]
    let caller: Caller | undefined
    for (const [at, attributes] of links.entries()) {
      try {
        caller = createCaller(attributes, caller)
      } catch (error) {
        throw (Array.isArray(chain) ? place.at(at) : place).refusal((error as Error).message)
      }
    }
    return caller ?? createCaller({})
  }
}

function namespaceOf(namespace: JsonValue | undefined, place: Place): string | undefined {
  if (typeof namespace !== 'string') return undefined
  const problem = namespaceProblem(namespace)
  if (problem !== undefined) throw place.refusal(problem)
  return namespace
}

function answerOf({ data, expect }: JsonObject): ExpectedAnswer {
  return { data: isJsonObject(data) ? data : {}, expected: expectedOf(expect) }
}

function expectedOf(expect: JsonValue | undefined): ExpectedDecision {
  const { shadow, ...own } = (isJsonObject(expect) ? expect : { effect: expect }) as JsonObject
  return { ...own, ...(shadow === undefined ? {} : { shadow: expectedOf(shadow) }) } as unknown as ExpectedDecision
}

function timeOf(at: JsonValue | undefined, place: Place): number {
  const time = isoTimeMs(typeof at === 'string' ? at : TABLE_TIME)
  if (time === undefined) throw place.refusal('is no time that there is')
  return time
}

const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600 }

/** The schema has checked the form. */
function wholeSecondsMs(text: string): number {
  return Number(text.slice(0, -1)) * (SECONDS[text.slice(-1)] ?? 0) * 1000
}
