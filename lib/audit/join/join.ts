import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'

/** An exchange that has no partner in the other log. */
export interface Unexplained {
  /** Whose entry it is. */
  readonly log: 'gateway' | 'server'
  /** Line of its file, from 1. */
  readonly line: number
  readonly time: string
  readonly operation: string
  readonly path: string
  /** The correlation id, where it has one. */
  readonly id: string
}

/** Two logs, lined up. */
export interface Joined {
  /** Exchanges of the gateway that the server has, too. */
  readonly joined: number
  /** Of those, requests that the server saw more than once: they were repeated. */
  readonly repeated: number
  /** Entries of the gateway that never were exchanges: cache hits, refusals, events. */
  readonly local: number
  /** Requests that were recorded and may never have arrived: their exchange failed without a status. */
  readonly unsure: number
  /** Does the server record the correlation id? Without it, what has no id in its answer (204, 403, 404) has no partner. */
  readonly isCorrelated: boolean
  /** Requests of the server by tokens that never were the gateway's: of others. */
  readonly foreign: number
  /** Alarms: what happened in one log alone. */
  readonly unexplained: readonly Unexplained[]
}

/** Lines of both logs, in any order of the two. */
export interface Join {
  gateway(text: string): void
  server(text: string): void
  result(): Joined
}

/**
 * Lines up the gateway's audit with the log of the server's own audit device.
 *
 * By the correlation id, which the server records once its operator lists the header; where an answer carried the server's
 * id of the request, by that. Which tokens are the gateway's is told by the exchanges that were joined: the server hashes
 * accessors with a salt of its own.
 */
export function createJoin(header = 'x-correlation-id'): Join {
  return new LogJoin(header.toLowerCase())
}

interface Exchange extends Omit<Unexplained, 'log'> {
  /** Got an answer of the server, with whatever status. */
  isAnswered: boolean
  isFailed: boolean
  /** The server's ids of the request, by the answers. */
  readonly requestIds: Set<string>
}

interface ServerRequest extends Omit<Unexplained, 'log'> {
  readonly requestId: string
  readonly accessor: string
}

class LogJoin implements Join {
  readonly #header: string
  readonly #exchanges = new Map<string, Exchange>()
  readonly #requests: ServerRequest[] = []
  #local = 0
  #gatewayLine = 0
  #serverLine = 0

  constructor(header: string) {
    this.#header = header
  }

  gateway(text: string): void {
    this.#gatewayLine += 1
    const entry = parsed(text)
    if (entry === undefined || !isJsonObject(entry.request)) return
    const { decision, error, request, response, type } = entry
    const isDenied = isJsonObject(decision) && decision.effect === 'deny'
    const source = isJsonObject(response) ? response.source : undefined
    const isShared = isJsonObject(response) && response.shared === true
    const id = String(request.id)
    const isLocal = type === 'event' || source === 'cache' || source === 'stale' || isShared
    if (isLocal || (type === 'request' && (isDenied || error !== undefined))) {
      this.#local += 1
      // What was recorded as sent, and then refused by the audit itself, was not.
      if (type === 'request') this.#exchanges.delete(id)
      return
    }
    const known = this.#exchanges.get(id) ?? this.#exchange(id, entry, request)
    this.#exchanges.set(id, known)
    if (type !== 'response') return
    const status = isJsonObject(response) ? Number(response.status) : 0
    known.isAnswered ||= status > 0
    known.isFailed ||= error !== undefined
    if (isJsonObject(response) && typeof response.request_id === 'string') known.requestIds.add(response.request_id)
  }

  server(text: string): void {
    this.#serverLine += 1
    const entry = parsed(text)
    if (entry?.type !== 'request' || !isJsonObject(entry.request)) return
    const { request, auth, time } = entry
    this.#requests.push({
      ...{ line: this.#serverLine, time: textOf(time), id: correlationOf(request.headers, this.#header) },
      ...{ operation: textOf(request.operation), path: textOf(request.path), requestId: textOf(request.id) },
      accessor: textOf(request.client_token_accessor) || (isJsonObject(auth) ? textOf(auth.accessor) : ''),
    })
  }

  result(): Joined {
    const partners = this.#partners()
    const ours = new Set([...partners.values()].flat().map(({ accessor }) => accessor))
    // A login has no token yet.
    ours.delete('')
    const taken = new Set([...partners.values()].flat())
    const left = this.#requests.filter((request) => !taken.has(request))
    const strangers = left.filter(({ accessor }) => ours.has(accessor))
    const alone = [...this.#exchanges].filter(([id]) => !partners.has(id)).map(([, exchange]) => exchange)
    const unsure = alone.filter(({ isAnswered, isFailed }) => isFailed && !isAnswered)
    return Object.freeze({
      joined: partners.size,
      repeated: [...partners.values()].filter(({ length }) => length > 1).length,
      local: this.#local,
      unsure: unsure.length,
      isCorrelated: this.#requests.some(({ id }) => id !== ''),
      foreign: left.length - strangers.length,
      unexplained: [
        ...alone.filter((exchange) => !unsure.includes(exchange)).map((exchange) => told('gateway', exchange)),
        ...strangers.map((request) => told('server', request)),
      ],
    })
  }

  /** What the server has of each exchange. */
  #partners(): ReadonlyMap<string, readonly ServerRequest[]> {
    const byRequestId = new Map<string, string>()
    for (const [id, { requestIds }] of this.#exchanges) for (const each of requestIds) byRequestId.set(each, id)
    const found = new Map<string, ServerRequest[]>()
    for (const request of this.#requests) {
      const id = this.#exchanges.has(request.id) ? request.id : byRequestId.get(request.requestId)
      if (id === undefined) continue
      const partners = found.get(id) ?? []
      partners.push(request)
      found.set(id, partners)
    }
    return found
  }

  #exchange(id: string, entry: JsonObject, request: JsonObject): Exchange {
    return {
      ...{ id, line: this.#gatewayLine, time: textOf(entry.time) },
      ...{ operation: textOf(request.operation), path: textOf(request.path) },
      ...{ isAnswered: false, isFailed: false, requestIds: new Set() },
    }
  }
}

function told(log: Unexplained['log'], { line, time, operation, path, id }: Omit<Unexplained, 'log'>): Unexplained {
  return Object.freeze({ log, line, time, operation, path, id })
}

function parsed(text: string): JsonObject | undefined {
  try {
    const value: unknown = JSON.parse(text)
    return isJsonObject(value) ? value : undefined
  } catch {
    return undefined
  }
}

function correlationOf(headers: JsonValue | undefined, name: string): string {
  if (!isJsonObject(headers)) return ''
  const found = Object.entries(headers).find(([each]) => each.toLowerCase() === name)?.[1]
  return textOf(Array.isArray(found) ? found[0] : found)
}

function textOf(value: JsonValue | undefined): string {
  return typeof value === 'string' ? value : ''
}
