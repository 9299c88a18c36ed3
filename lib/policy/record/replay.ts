import type { Caller } from '../../model/caller.ts'
import type { JsonObject } from '../../model/json.ts'
import { createCaller } from '../../options/caller.ts'
import type { PolicyDocument } from '../verdict.ts'
import { type RecordedRequest, readRecordLine } from './record-line.ts'
import { createTwoMinded, type TwoMinded } from './two-minded.ts'
import { recorded } from './unknown-text.ts'

/** What other policies say of a recorded request. */
export interface ReplayedRequest {
  readonly request: RecordedRequest
  /** `undecidable`: it hangs on a value that the record does not tell. */
  readonly effect: 'allow' | 'deny' | 'undecidable'
  /** Of the rule that decides; where it is undecidable, of the rule that would refuse. */
  readonly policy: string | undefined
  readonly rule: string | undefined
  readonly reason: string
}

/** How many of each there were. */
export interface ReplayCounts {
  readonly requests: number
  readonly same: number
  readonly allowed: number
  readonly denied: number
  readonly undecidable: number
  /** Refused before any policy was asked, or for a limit: nothing to judge anew. */
  readonly passedOver: number
  /** Lines that are no entries. */
  readonly unreadable: number
  /** Entries that the record itself says are missing. */
  readonly missing: number
}

/** Judges a record by other policies than it was made under. */
export interface Replay {
  /** What becomes of the request on a line; `undefined` where nothing changes, and for lines without one. */
  line(text: string): ReplayedRequest | undefined
  counts(): ReplayCounts
}

/** Reasons that are no policy's, or that depend on the answer or on what else went on at the time. */
const NOT_JUDGED: readonly string[] = [
  'path',
  'namespace',
  'body',
  'rate',
  'leases',
  'shared-lease',
  'create-only',
  'response-schema',
]

/**
 * A replay against `documents`.
 *
 * @param namespace - Of policies that name none.
 * @throws {PolicyLoadError} a document cannot be used.
 */
export async function createReplay(documents: readonly PolicyDocument[], namespace = ''): Promise<Replay> {
  return new RecordReplay(await createTwoMinded(documents, namespace))
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

class RecordReplay implements Replay {
  readonly #policies: TwoMinded
  readonly #counts: Writable<ReplayCounts> = {
    ...{ requests: 0, same: 0, allowed: 0, denied: 0, undecidable: 0 },
    ...{ passedOver: 0, unreadable: 0, missing: 0 },
  }
  readonly #callers = new Map<string, Caller>()
  /** An exchange has two entries. */
  readonly #seen = new Set<string>()
  #line = 0

  constructor(policies: TwoMinded) {
    this.#policies = policies
  }

  line(text: string): ReplayedRequest | undefined {
    this.#line += 1
    if (text === '') return undefined
    const read = readRecordLine(text, this.#line)
    if (read.kind === 'gap') this.#counts.missing += read.count
    if (read.kind === 'unreadable') this.#counts.unreadable += 1
    if (read.kind !== 'request' || this.#seen.has(read.request.id)) return undefined
    this.#seen.add(read.request.id)
    this.#counts.requests += 1
    if (NOT_JUDGED.includes(read.request.reason)) {
      this.#counts.passedOver += 1
      return undefined
    }
    return this.#counted(this.judge(read.request))
  }

  counts(): ReplayCounts {
    return { ...this.#counts }
  }

  judge(request: RecordedRequest): ReplayedRequest {
    const { hopeful, doubtful, at } = this.#policies
    at(request.timeMs)
    const { operation, namespace, path, wrapTtlMs, data, query, shape } = request
    const asked = {
      ...{ operation, namespace, path, wrapTtlMs, body: undefined },
      // Checks of these engines know what is unknown.
      query: recorded(query, undefined) as Record<string, string>,
      data: data === undefined ? undefined : (recorded(data, shape) as unknown as JsonObject),
    }
    const caller = this.#callerOf(request)
    const best = hopeful.decide(caller, asked).decision
    const worst = doubtful.decide(caller, asked).decision
    const isOpen = best.effect !== worst.effect || request.isOfHolder
    const { effect, policy, rule, reason } = worst
    return { request, effect: isOpen ? 'undecidable' : effect, policy, rule, reason }
  }

  #counted(replayed: ReplayedRequest): ReplayedRequest | undefined {
    const { effect, request } = replayed
    if (effect === request.effect) {
      this.#counts.same += 1
      return undefined
    }
    this.#counts[effect === 'allow' ? 'allowed' : effect === 'deny' ? 'denied' : 'undecidable'] += 1
    return replayed
  }

  #callerOf({ callers }: RecordedRequest): Caller {
    const key = JSON.stringify(callers)
    let caller = this.#callers.get(key)
    if (caller === undefined) {
      for (const attributes of callers) caller = createCaller(attributes, caller)
      caller ??= createCaller({})
      this.#callers.set(key, caller)
    }
    return caller
  }
}
