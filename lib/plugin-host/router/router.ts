import { GatewayError } from '../../errors/index.ts'
import { refused } from '../../errors/refused.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { parseObjectText } from '../../model/parse-json.ts'
import { type Sealed, unseal } from '../../model/sealed.ts'
import type { ServerAnswer } from '../../model/server-answer.ts'
import type { Random } from '../../ports/random.ts'
import type { TransportOptions, TransportRequest } from '../../ports/transport.ts'
import { isForEveryone, mayUseMounts, WITHOUT_TOKEN } from './access.ts'
import { answerFrom, envelopeOf, isWrappable } from './answer.ts'
import type { Backends } from './backends.ts'
import type { Leases } from './leases.ts'
import type { Mount } from './mount.ts'
import type { MountTable } from './mount-table.ts'
import type { Outcome } from './outcome.ts'
import type { OwnCall } from './own/call.ts'
import { isOwnPath } from './own/own.ts'
import { isCanonical } from './path.ts'
import { denied, Refusal, refuse } from './refusal.ts'
import { type Handle, pathBelow } from './requests.ts'
import type { Token } from './token.ts'
import type { Tokens } from './tokens.ts'
import { type Wrapping, wrapInfoOf } from './wrapping.ts'

export interface RouterDeps {
  readonly random: Random
  readonly tokens: Tokens
  readonly table: MountTable
  readonly backends: Backends
  readonly leases: Leases
  readonly wrapping: Wrapping
  readonly handle: Handle
  readonly own: (call: Omit<OwnCall, 'rest'>) => Promise<Outcome>
}

/** Takes requests of the gateway to mounts and to what the host answers itself. */
export class Router {
  readonly #deps: RouterDeps
  /** Tokens by the sealed value they come in: a gateway sends the same one again and again. */
  readonly #known = new WeakMap<Sealed<string>, Token>()
  #inFlight = 0
  #isClosed = false
  #onIdle: (() => void) | undefined

  constructor(deps: RouterDeps) {
    this.#deps = deps
  }

  /** @throws as {@link Transport.send}; {PluginError} for what befell a plugin's process. */
  async send(request: TransportRequest, options: TransportOptions): Promise<ServerAnswer> {
    try {
      const requestId = this.#deps.random.uuid()
      return answerFrom(await this.outcome(request, requestId, options), request, requestId)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      throw refused(request, { status: error.status, serverErrors: error.errors })
    }
  }

  /** What {@link send} answers, as it would stand on the wire. @throws {Refusal} and as {@link send}. */
  async outcome(request: TransportRequest, requestId: string, options: TransportOptions): Promise<Outcome> {
    if (this.#isClosed) throw new GatewayError('ERR_PORTCULLIS_GATEWAY_CLOSED', 'the plugin host is closed')
    if (!(options.timeoutMs > 0)) throw new RangeError(`timeoutMs must be above 0, got ${options.timeoutMs}`)
    options.signal?.throwIfAborted()
    this.#inFlight += 1
    try {
      return await this.#wrapped(request, await this.#served(request, requestId, options))
    } finally {
      this.#inFlight -= 1
      if (this.#inFlight === 0) this.#onIdle?.()
    }
  }

  /** Takes no more, and resolves once what is in flight has ended. */
  async drain(): Promise<void> {
    this.#isClosed = true
    if (this.#inFlight === 0) return
    await new Promise<void>((resolve) => {
      this.#onIdle = resolve
    })
  }

  /** The live token inside, if it is one of ours. */
  tokenOf(sealed: Sealed<string>): Token | undefined {
    const known = this.#known.get(sealed)
    if (known !== undefined) return this.#deps.tokens.byHash(known.hash)
    const token = this.#deps.tokens.find(unseal(sealed))
    // A batch token has its end in itself, and is read anew.
    if (token?.record.type === 'service') this.#known.set(sealed, token)
    return token
  }

  async #served(request: TransportRequest, requestId: string, options: TransportOptions): Promise<Outcome> {
    if (request.namespace !== '') throw refuse(404, 'namespace not found')
    if (!isCanonical(request.path)) throw refuse(400, 'invalid request')
    checkWritable(request)
    const token = request.token === undefined ? undefined : this.tokenOf(request.token)
    const isOwn = isOwnPath(request.path)
    return isOwn ? this.#serveOwn(request, token, requestId) : this.#serveMount(request, token, requestId, options)
  }

  async #serveOwn(request: TransportRequest, token: Token | undefined, requestId: string): Promise<Outcome> {
    const { path, wrapTtlMs } = request
    const tokenValue = request.token === undefined ? '' : unseal(request.token)
    const isUnwrapping = path === 'sys/wrapping/unwrap' || path === 'sys/wrapping/rewrap'
    if (token === undefined && !WITHOUT_TOKEN.has(path) && !isUnwrapping) throw refuse(403, 'permission denied')
    if (token === undefined && path === 'sys/wrapping/rewrap' && tokenValue === '')
      throw refuse(403, 'error validating wrapping token: token is empty')
    if (token !== undefined && token.record.kind !== 'operator' && !WITHOUT_TOKEN.has(path) && !isForEveryone(path))
      throw denied()
    const call = {
      operation: operationOf(request),
      path,
      data: dataOf(request),
      token,
      tokenValue,
      wrapTtlMs,
      requestId,
    }
    return this.#used(token, () => this.#deps.own(call))
  }

  async #serveMount(
    request: TransportRequest,
    token: Token | undefined,
    requestId: string,
    options: TransportOptions,
  ): Promise<Outcome> {
    const { path, wrapTtlMs } = request
    let mount = this.#routed(request, token)
    while (!mount.gate.isOpen) {
      await mount.gate.opened()
      // It may have moved or gone meanwhile, and the token may have ended.
      mount = this.#routed(request, token)
      if (token?.isDead === true) throw refuse(403, 'permission denied')
    }
    mount.gate.enter()
    try {
      const operation = operationOf(request)
      const below = pathBelow(mount, operation, path)
      const running = mount.ready ?? (await this.#deps.backends.open(mount))
      const call = { mount, operation, path, below, data: bodyOf(request), wrapTtlMs, requestId }
      if (running.openPaths.has(below))
        return await this.#deps.handle({ ...call, token: undefined, tokenValue: '' }, running, options)
      if (token === undefined) throw refuse(403, 'permission denied')
      if (!mayUseMounts(token) || (token.record.kind !== 'operator' && running.rootPaths.has(below))) throw denied()
      const tokenValue = request.token === undefined ? '' : unseal(request.token)
      if (token.record.usesLeft === 0) return await this.#deps.handle({ ...call, token, tokenValue }, running, options)
      return await this.#used(token, () => this.#deps.handle({ ...call, token, tokenValue }, running, options))
    } finally {
      mount.gate.leave()
    }
  }

  #routed(request: TransportRequest, token: Token | undefined): Mount {
    const mount = this.#deps.table.of(request.path)
    if (mount === undefined || mount.record.tainted) throw this.#noRoute(request, token)
    return mount
  }

  #noRoute({ path, operation }: TransportRequest, token: Token | undefined): Refusal {
    if (token === undefined) return refuse(403, 'permission denied')
    if (!mayUseMounts(token)) return denied()
    const isList = operation === 'list' || operation === 'scan'
    const shown = isList && !path.endsWith('/') ? `${path}/` : path
    return refuse(404, `no handler for route ${JSON.stringify(shown)}. route entry not found.`)
  }

  /** Counts the use; a token with none left goes once it is served. */
  async #used(token: Token | undefined, serve: () => Promise<Outcome>): Promise<Outcome> {
    const { tokens } = this.#deps
    if (token === undefined || token.record.usesLeft === 0) return serve()
    if (token.record.usesLeft < 0) throw refuse(403, 'permission denied')
    const isLast = await tokens.use(token)
    try {
      return await serve()
    } finally {
      if (isLast) await tokens.revoke(token)
    }
  }

  /** Wraps where request or plugin ask for it: for the shorter of the two times. */
  async #wrapped({ wrapTtlMs, path }: TransportRequest, outcome: Outcome): Promise<Outcome> {
    const wanted = [wrapTtlMs, outcome.wrapTtlMs ?? 0].filter((ms) => ms > 0)
    if (wanted.length === 0 || !isWrappable(outcome)) return outcome
    const accessor = outcome.auth?.accessor
    const wrappedAccessor = typeof accessor === 'string' ? accessor : ''
    try {
      const text = JSON.stringify(envelopeOf(outcome, ''))
      const wrap = await this.#deps.wrapping.wrap(text, Math.min(...wanted), path, wrappedAccessor)
      return { wrapInfo: wrapInfoOf(wrap, wrappedAccessor) }
    } catch (error) {
      // Nobody will ever hold what could not be wrapped.
      const login = outcome.auth?.client_token
      const token = typeof login === 'string' ? this.#deps.tokens.find(login) : undefined
      // What it leaves behind where it cannot be ended is ended at its time.
      if (token?.record.type === 'service') await this.#deps.tokens.revoke(token).catch(() => undefined)
      const lease = outcome.lease === undefined ? undefined : this.#deps.leases.find(outcome.lease.id)
      if (lease !== undefined) this.#deps.leases.revokeSoon(lease)
      throw error
    }
  }
}

/** Whoever asks for help gets it, and nothing else is done, as in a server. */
function operationOf({ operation, query }: TransportRequest): OwnCall['operation'] {
  return query.help === undefined || query.help === '' ? operation : 'help'
}

/** @throws {Refusal} 400 for a write to a folder. */
function checkWritable({ operation, path, query }: TransportRequest): void {
  if ((operation === 'write' || operation === 'patch') && path.endsWith('/') && !query.help)
    throw refuse(400, "cannot write to a path ending in '/'")
}

/** JSON text for the plugin: the body as it was judged, else the query. */
function bodyOf({ body, query, operation }: TransportRequest): string {
  if (body !== undefined && body !== '') return checkedBody(body)
  if (operation === 'write' || operation === 'patch') return 'null'
  for (const _ in query) return JSON.stringify(withoutHelp(query))
  return 'null'
}

/** Whole bodies are for the plugin to parse; what is clearly no object goes no further. @throws {Refusal} 400. */
function checkedBody(body: string): string {
  if (body.startsWith('{') || body === 'null' || parseObjectText(body) !== undefined) return body
  throw refuse(400, 'failed to decode JSON input: no JSON object')
}

function withoutHelp({ help: _, ...query }: Readonly<Record<string, string>>): JsonObject {
  return query
}

function dataOf({ body, query }: TransportRequest): JsonObject {
  if (body === undefined || body === '') return { ...query }
  const data = parseObjectText(body)
  if (!isJsonObject(data)) throw refuse(400, 'failed to decode JSON input: no JSON object')
  return data
}
