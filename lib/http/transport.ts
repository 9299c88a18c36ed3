import type { Dispatcher } from 'undici'
import { GatewayError, ServerError } from '../errors/index.ts'
import { isAnswer } from '../model/envelope.ts'
import type { Operation } from '../model/operation.ts'
import { seal } from '../model/sealed.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { ServerConfig } from '../options/server.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Transport, TransportOptions, TransportRequest } from '../ports/transport.ts'
import { answerOf, bodyOf } from './answer.ts'
import { createDispatchers, type Dispatchers } from './dispatcher.ts'
import { ExchangeFailure, exchange, type Received } from './exchange.ts'
import { failureOf } from './failure.ts'
import { requestHeaders } from './headers.ts'
import { Limit } from './limit.ts'
import { requestTarget } from './path.ts'
import { type Consistency, createConsistency } from './read-after-write.ts'
import { isRedirect, redirectTarget } from './redirect.ts'
import { badAnswer, redirectRefused, refusalOf } from './refusal.ts'
import { isRepeatable, waitBeforeMs } from './retry.ts'

/** What the driver is given of the outside. */
export interface HttpTransportDeps {
  readonly clock: Clock
  readonly random: Random
}

/**
 * The way to a Vault or OpenBao server over HTTP.
 *
 * Repeats what may be repeated, within `timeoutMs`: 412, 429, sealed, standby and what never left this
 * process for any request; other failures only where the request says that it is repeatable.
 *
 * @throws {TypeError|Error} TLS files of `config` cannot be read or used.
 */
export function createHttpTransport(config: ServerConfig, deps: HttpTransportDeps): Transport {
  return new HttpTransport(config, deps)
}

const METHODS: Readonly<Record<Operation, Dispatcher.HttpMethod>> = {
  read: 'GET',
  list: 'GET',
  scan: 'GET',
  write: 'POST',
  patch: 'PATCH',
  delete: 'DELETE',
}

/** A request on its way, with what is worked out once for all its tries. */
interface Call {
  readonly request: TransportRequest
  readonly target: string
  readonly limit: Limit
  readonly timeoutMs: number
}

class HttpTransport implements Transport {
  readonly address: string
  readonly #config: ServerConfig
  readonly #clock: Clock
  readonly #random: Random
  readonly #dispatchers: Dispatchers
  readonly #consistency: Consistency
  #inFlight = 0
  #closed: Promise<void> | undefined
  #onIdle: (() => void) | undefined

  constructor(config: ServerConfig, deps: HttpTransportDeps) {
    this.address = config.address
    this.#config = config
    this.#clock = deps.clock
    this.#random = deps.random
    this.#dispatchers = createDispatchers(config)
    this.#consistency = createConsistency(config.readAfterWrite)
  }

  async send(request: TransportRequest, options: TransportOptions): Promise<ServerAnswer> {
    if (this.#closed !== undefined) throw new GatewayError('ERR_PORTCULLIS_GATEWAY_CLOSED', 'the transport is closed')
    checkTimeout(options.timeoutMs)
    const target = requestTarget(this.#config.prefix, request.operation, request.path, request.query)
    const limit = new Limit(this.#clock, options)
    this.#inFlight += 1
    try {
      return await this.#repeated({ request, target, limit, timeoutMs: options.timeoutMs })
    } finally {
      limit.release()
      this.#inFlight -= 1
      if (this.#inFlight === 0) this.#onIdle?.()
    }
  }

  close(): Promise<void> {
    this.#closed ??= this.#drain().then(() => this.#dispatchers.destroy())
    return this.#closed
  }

  #drain(): Promise<void> {
    if (this.#inFlight === 0) return Promise.resolve()
    return new Promise((resolve) => {
      this.#onIdle = resolve
    })
  }

  async #repeated(call: Call): Promise<ServerAnswer> {
    for (let tries = 1; ; tries += 1) {
      try {
        return await this.#once(call)
      } catch (error) {
        const waitMs = this.#waitBefore(call, error, tries)
        if (waitMs === undefined) throw error
        await call.limit.wait(waitMs)
        // The signal came while we waited. Time cannot: the wait fitted.
        if (call.limit.ended?.by === 'signal') throw call.limit.ended.reason
      }
    }
  }

  /** `undefined` where the call is not repeated: not allowed, no tries left, or the wait would outlast the time limit. */
  #waitBefore({ request, limit }: Call, error: unknown, tries: number): number | undefined {
    if (!(error instanceof ServerError) || tries > this.#config.maxRetries) return undefined
    if (limit.ended !== undefined || !isRepeatable(error, request)) return undefined
    const waitMs = waitBeforeMs(error, this.#config, tries, this.#random.fraction())
    return waitMs < limit.leftMs() ? waitMs : undefined
  }

  async #once(call: Call): Promise<ServerAnswer> {
    const { request } = call
    let received = await this.#exchange(call, this.#config.origin)
    if (isRedirect(received.status)) received = await this.#redirected(call, received)
    if (METHODS[request.operation] !== 'GET') this.#consistency.remember(received.headers['x-vault-index'])
    return this.#read(request, received)
  }

  /** Follows one redirect, if it may be followed. */
  async #redirected(call: Call, { status, headers }: Received): Promise<Received> {
    const { origin, allowedRedirectHosts } = this.#config
    const next = redirectTarget(status, headers.location, origin, call.target, allowedRedirectHosts)
    if ('refused' in next) throw redirectRefused(asked(call.request), status, next.refused)
    const received = await this.#exchange(call, next.origin)
    if (isRedirect(received.status))
      throw redirectRefused(asked(call.request), received.status, 'it is the second in a row')
    return received
  }

  async #exchange(call: Call, origin: string): Promise<Received> {
    const { request, target, limit, timeoutMs } = call
    const options: Dispatcher.DispatchOptions = {
      origin,
      path: target,
      method: METHODS[request.operation],
      headers: requestHeaders(request, this.#consistency.headers()),
      body: request.body ?? null,
    }
    const { maxResponseBytes, proxy } = this.#config
    try {
      return await exchange(this.#dispatchers.of(origin), options, limit, maxResponseBytes)
    } catch (error) {
      if (!(error instanceof ExchangeFailure)) throw error
      if (error.failure.kind === 'ended' && error.failure.ended.by === 'signal') throw error.failure.ended.reason
      const address = origin === this.#config.origin ? this.address : origin
      throw failureOf(asked(request), { address, proxyHost: proxy?.host, maxResponseBytes, timeoutMs }, error)
    }
  }

  #read(request: TransportRequest, received: Received): ServerAnswer {
    const body = bodyOf(received)
    const { status } = received
    const { keepBodies = false } = this.#config
    if (!isAnswer(status, body)) {
      throw refusalOf(asked(request), received, body, this.#clock.wallTime(), keepBodies)
    }
    if (body.kind === 'bad') throw badAnswer(asked(request), status, body.what)
    const answer = answerOf(received, body)
    if (answer === undefined) throw badAnswer(asked(request), status, 'data, auth or wrap_info is no object')
    // Copied: what came can be a piece of a far larger buffer.
    return keepBodies ? { ...answer, body: seal(Uint8Array.from(received.body)) } : answer
  }
}

function asked({ operation, path }: TransportRequest): Pick<TransportRequest, 'operation' | 'path'> {
  return { operation, path }
}

function checkTimeout(timeoutMs: number): void {
  if (!(timeoutMs > 0)) throw new RangeError(`timeoutMs must be above 0, got ${timeoutMs}`)
}
