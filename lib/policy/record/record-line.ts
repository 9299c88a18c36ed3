import type { CallerAttributes } from '../../model/caller.ts'
import { isoTimeMs } from '../../model/iso-time.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { OPERATIONS, type Operation } from '../../model/operation.ts'
import type { Shape } from '../../model/shape.ts'

/** A request as its audit entry tells it. */
export interface RecordedRequest {
  /** Line of the file, from 1. */
  readonly line: number
  readonly id: string
  readonly timeMs: number
  /** What each caller of the chain added, root first. */
  readonly callers: readonly CallerAttributes[]
  /** Who held the token that a caller handed over: the record tells too little of it to judge anew. */
  readonly isOfHolder: boolean
  readonly operation: Operation
  readonly namespace: string
  readonly path: string
  readonly query: JsonObject
  readonly data: JsonObject | undefined
  readonly shape: Shape | undefined
  readonly wrapTtlMs: number
  readonly effect: 'allow' | 'deny'
  readonly reason: string
  readonly policy: string | undefined
  readonly rule: string | undefined
}

/** A line of an audit, as far as requests of callers are concerned. */
export type RecordLine =
  | { readonly kind: 'request'; readonly request: RecordedRequest }
  /** Own calls, events, checkpoints, and what a second entry repeats. */
  | { readonly kind: 'other' }
  /** So many entries are missing there. */
  | { readonly kind: 'gap'; readonly count: number }
  /** No entry: a torn line, or none of ours. */
  | { readonly kind: 'unreadable' }

const OTHER: RecordLine = Object.freeze({ kind: 'other' })
const UNREADABLE: RecordLine = Object.freeze({ kind: 'unreadable' })

/** Reads one line of an audit file. Never throws: whatever stands there is foreign. */
export function readRecordLine(text: string, line: number): RecordLine {
  let entry: unknown
  try {
    entry = JSON.parse(text)
  } catch {
    return UNREADABLE
  }
  if (!isJsonObject(entry)) return UNREADABLE
  if (entry.type === 'gap') return { kind: 'gap', count: isJsonObject(entry.gap) ? Number(entry.gap.count) || 0 : 0 }
  if (entry.type !== 'request' && entry.type !== 'response') return typeof entry.type === 'string' ? OTHER : UNREADABLE
  return readEntry(entry, line) ?? UNREADABLE
}

function readEntry(entry: JsonObject, line: number): RecordLine | undefined {
  const { caller, decision, request, time } = entry
  if (!isJsonObject(caller) || !isJsonObject(decision) || !isJsonObject(request)) return undefined
  if (decision.reason === 'own') return OTHER
  const timeMs = typeof time === 'string' ? isoTimeMs(time) : undefined
  const operation = OPERATIONS.find((each) => each === request.operation)
  const { id, path, namespace, wrap_ttl: wrapTtl } = request
  if (timeMs === undefined || operation === undefined || typeof path !== 'string' || typeof id !== 'string')
    return undefined
  const where = isJsonObject(namespace) && typeof namespace.path === 'string' ? namespace.path : ''
  const told = {
    ...{ line, id, timeMs, operation, path },
    callers: callersOf(caller, entry.caller_added),
    isOfHolder: Object.hasOwn(caller, 'token'),
    namespace: where.replace(/\/$/, ''),
    query: isJsonObject(request.query) ? request.query : {},
    data: isJsonObject(request.data) ? request.data : undefined,
    shape: request.shape as Shape | undefined,
    wrapTtlMs: typeof wrapTtl === 'number' ? wrapTtl * 1000 : 0,
    effect: decision.effect === 'allow' ? 'allow' : 'deny',
    reason: String(decision.reason),
    policy: textOf(decision.policy),
    rule: textOf(decision.rule),
  } as const
  return { kind: 'request', request: told }
}

/** Names that each caller added, told where there is more than one; what is not named belongs to the root. */
function callersOf(attributes: JsonObject, added: JsonValue | undefined): readonly CallerAttributes[] {
  const own = Object.entries(attributes).filter(([name]) => name !== 'token')
  const names = (Array.isArray(added) ? added : []).map((each) => (Array.isArray(each) ? each : []))
  const later = new Set(names.slice(1).flat())
  const pick = (isPicked: (name: string) => boolean): CallerAttributes =>
    Object.fromEntries(own.filter(([name]) => isPicked(name))) as CallerAttributes
  return [pick((name) => !later.has(name)), ...names.slice(1).map((each) => pick((name) => each.includes(name)))]
}

function textOf(value: JsonValue | undefined): string | undefined {
  return typeof value === 'string' ? value : undefined
}
