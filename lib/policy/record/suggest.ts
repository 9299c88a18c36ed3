import type { CallerAttributes } from '../../model/caller.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { patternProblem } from '../pattern.ts'
import { createRuleIds } from '../rule-ids.ts'
import { generalised, type PathSeenKind } from './path-tree.ts'
import { type RecordedRequest, readRecordLine } from './record-line.ts'
import { createReplay } from './replay.ts'
import { SeenSchema } from './seen-schema.ts'
import { type Recorded, recorded } from './unknown-text.ts'

/** What is suggested for a record. */
export interface Suggestion {
  /** One for each group of callers, each a document of its own. */
  readonly policies: readonly JsonObject[]
  /** Requests that were allowed, and are by the policies. */
  readonly covered: number
  /** Requests that the policies do not allow, and why none could be made that does. */
  readonly uncovered: readonly { readonly path: string; readonly why: string }[]
}

export interface SuggestOptions {
  /** Attributes by which callers are told apart, each group with a policy of its own. Default: `service` where all have it. */
  readonly by?: readonly string[]
  /** Beginning of the policies' names. Default `suggested`. */
  readonly name?: string
}

/** Gathers a record, line by line. */
export interface Suggester {
  line(text: string): void
  /** The narrowest policies that would have allowed what was; checked against the record itself. */
  suggest(): Promise<Suggestion>
}

export function createSuggester(options: SuggestOptions = {}): Suggester {
  return new RecordSuggester(options)
}

type RuleIds = ReturnType<typeof createRuleIds>

/** What was done at a path, by operation. */
type Seen = Map<string, SeenRequests>

interface SeenRequests {
  readonly data: SeenSchema
  readonly query: SeenSchema
  hasQuery: boolean
}

const KIND: PathSeenKind<Seen> = {
  empty: () => new Map(),
  likeness: (seen) => [...seen.keys()].sort().join(),
  merge(into, from): void {
    for (const [operation, requests] of from) {
      const known = into.get(operation) ?? newRequests()
      known.data.merge(requests.data)
      known.query.merge(requests.query)
      known.hasQuery ||= requests.hasQuery
      into.set(operation, known)
    }
  },
}

function newRequests(): SeenRequests {
  return { data: new SeenSchema(), query: new SeenSchema(), hasQuery: false }
}

class RecordSuggester implements Suggester {
  readonly #options: SuggestOptions
  readonly #requests = new Map<string, RecordedRequest>()
  readonly #lines = new Map<string, string>()
  #line = 0

  constructor(options: SuggestOptions) {
    this.#options = options
  }

  line(text: string): void {
    this.#line += 1
    const read = text === '' ? undefined : readRecordLine(text, this.#line)
    if (read?.kind !== 'request' || read.request.effect !== 'allow' || this.#requests.has(read.request.id)) return
    this.#requests.set(read.request.id, read.request)
    this.#lines.set(read.request.id, text)
  }

  async suggest(): Promise<Suggestion> {
    const requests = [...this.#requests.values()]
    const by = this.#options.by ?? (requests.every(({ callers }) => callers.some(hasService)) ? ['service'] : [])
    const usable = requests.filter((request) => this.#unnameable(request) === undefined)
    const groups = Map.groupBy(usable, (request) => groupOf(request, by))
    const policies = [...groups].map(([key, group], at) => this.#policy(key, group, by, at, groups.size))
    const uncovered = await this.#uncovered(policies)
    return { policies, covered: requests.length - uncovered.length, uncovered }
  }

  #policy(key: string, group: readonly RecordedRequest[], by: readonly string[], at: number, of: number): JsonObject {
    const [namespace, ...values] = JSON.parse(key) as readonly JsonValue[]
    const idOf = createRuleIds()
    const rules = generalised(group.map(seenOf), KIND).flatMap(({ path, seen }) => rulesOf(path, seen, idOf))
    const { name = 'suggested' } = this.#options
    const subject = subjectOf(by, values)
    return {
      policy: of === 1 ? name : `${name}-${at + 1}`,
      ...(namespace === '' ? {} : { namespace: namespace ?? '' }),
      ...(subject === undefined ? {} : { subject }),
      rules,
    }
  }

  /** Why no policy can speak of a request; `undefined` where one can. */
  #unnameable({ id, path }: RecordedRequest): string | undefined {
    const problem = patternProblem(literal(path)) ?? (path.endsWith('*') ? 'it ends in "*"' : undefined)
    if (problem !== undefined) return `a policy cannot name it: ${problem}`
    return this.#lines.get(id)?.includes('"__proto__"') === true ? 'a policy cannot name its "__proto__"' : undefined
  }

  /** The record once more: what was allowed and is no more. */
  async #uncovered(policies: readonly JsonObject[]): Promise<Suggestion['uncovered']> {
    const replay = await createReplay(policies.map((document) => ({ file: String(document.policy), document })))
    const found: { readonly path: string; readonly why: string }[] = []
    for (const [id, text] of this.#lines) {
      const replayed = replay.line(text)
      const request = this.#requests.get(id)
      if (replayed === undefined || request === undefined) continue
      const why = this.#unnameable(request) ?? whyNot(replayed.effect, replayed.reason)
      found.push({ path: request.path, why })
    }
    return found
  }
}

function whyNot(effect: string, reason: string): string {
  return effect === 'undecidable' ? 'the record does not tell whether it would pass' : `it would be refused (${reason})`
}

/** A path with `+` or `*` in it would be a pattern. */
function literal(path: string): string {
  return path.split('/').includes('+') ? `${path}+x` : path
}

const hasService = (caller: CallerAttributes): boolean => Object.hasOwn(caller, 'service')

function groupOf({ namespace, callers }: RecordedRequest, by: readonly string[]): string {
  const attributes: Readonly<Record<string, unknown>> = Object.assign({}, ...callers)
  return JSON.stringify([namespace, ...by.map((name) => attributes[name] ?? null)])
}

/** A caller that lacks an attribute is bound by lacking it: without a subject the policy would bind everyone. */
function subjectOf(by: readonly string[], values: readonly JsonValue[]): JsonObject | undefined {
  if (by.length === 0) return undefined
  const known = by.flatMap((name, at) =>
    (values[at] ?? null) === null ? [] : [[name, { const: values[at] ?? null }] as const],
  )
  const lacking = by.filter((_, at) => (values[at] ?? null) === null)
  return {
    ...(known.length === 0 ? {} : { properties: Object.fromEntries(known), required: known.map(([name]) => name) }),
    ...(lacking.length === 0 ? {} : { allOf: lacking.map((name) => ({ not: { required: [name] } })) }),
  }
}

function seenOf({ operation, path, data, query, shape }: RecordedRequest): {
  readonly path: string
  readonly seen: Seen
} {
  const requests = newRequests()
  const isSent = operation === 'write' || operation === 'patch'
  if (isSent || data !== undefined) requests.data.add(recorded(data ?? {}, shape) as Recorded)
  if (Object.keys(query).length > 0) requests.hasQuery = true
  requests.query.add(recorded(query, undefined) as Recorded)
  // The server adds a slash to what is listed, and so does the rule: a pattern of something else must not win there.
  const isListing = operation === 'list' || operation === 'scan'
  return { path: isListing && !path.endsWith('/') ? `${path}/` : path, seen: new Map([[operation, requests]]) }
}

/** Operations whose requests say nothing are one rule; each other has its own. */
function rulesOf(path: string, seen: Seen, idOf: RuleIds): readonly JsonObject[] {
  const plain = [...seen].filter(([, each]) => each.data.count === 0 && !each.hasQuery).map(([operation]) => operation)
  const others = [...seen].filter(([operation]) => !plain.includes(operation))
  return [
    ...(plain.length === 0 ? [] : [{ id: idOf(path), path, operations: plain.sort(), effect: 'allow' }]),
    ...others.map(([operation, { data, query, hasQuery }]) => ({
      id: idOf(`${path}-${operation}`),
      path,
      operations: [operation],
      effect: 'allow',
      ...(data.count === 0 ? {} : { request: closed(data.schema()) }),
      ...(hasQuery ? { query: closed(query.schema()) } : {}),
    })),
  ]
}

/** At its top a schema has no type of its own: an object is all that comes there. */
function closed({ type: _, ...schema }: JsonObject): JsonObject {
  return { ...schema, additionalProperties: schema.additionalProperties ?? false }
}
