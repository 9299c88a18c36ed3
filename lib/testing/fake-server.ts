import type { JsonObject } from '../model/json.ts'
import type { Clock } from '../ports/clock.ts'
import type { Transport } from '../ports/transport.ts'
import { systemClock } from '../system/clock.ts'
import { Availability } from './fake-server/availability.ts'
import { FakeCore } from './fake-server/core.ts'
import type { FakeReply, FakeRequest } from './fake-server/exchange.ts'
import { type Disruption, type Fault, type FaultHandle, FaultScript } from './fake-server/faults.ts'
import { type HttpShell, openHttpShell } from './fake-server/http-shell.ts'
import { createMemoryTransport } from './fake-server/memory-transport.ts'
import { type SeenRequest, seen } from './fake-server/requests.ts'

/** How to make a {@link FakeServer}. */
export interface FakeServerOptions {
  /** TTLs run by it, delays too. A `FakeClock` makes hours pass at once. Default: the machine's. */
  readonly clock?: Clock
  /** Default: random. */
  readonly rootToken?: string
}

/** What a call past the gateway gives. */
export interface FakeAnswer {
  readonly status: number
  /** Parsed JSON; `undefined` for none. */
  // biome-ignore lint/suspicious/noExplicitAny: tests reach into answers of many shapes.
  readonly body: any
}

/** A lease that lives now. */
export interface LiveLease {
  readonly id: string
  readonly path: string
  /** Time left by its own TTL. It may end sooner, with its token. */
  readonly ttlMs: number
  readonly renewable: boolean
  /** Accessor of the token that it dies with; empty for a batch token. */
  readonly ownerAccessor: string
}

/** A token that lives now. */
export interface LiveToken {
  readonly accessor: string
  readonly displayName: string
  readonly policies: readonly string[]
  /** `Infinity` for one without end. */
  readonly ttlMs: number
  readonly type: 'service' | 'batch'
  /** Where it was made. */
  readonly path: string
}

/** A Vault or OpenBao server that lives inside a test. See {@link createFakeServer}. */
export interface FakeServer {
  readonly rootToken: string
  /** Where it listens. @throws {Error} before {@link listen}. */
  readonly address: string
  /** Opens a real socket on 127.0.0.1, and gives its address. */
  listen(): Promise<string>
  /** Closes the socket, cutting what hangs. Idempotent. */
  close(): Promise<void>
  /** A way in without sockets: for `createGateway({ server: fake.transport() })`. */
  transport(): Transport

  /**
   * Makes a call as root, at once and past all faults: to set up mounts, policies, roles and secrets.
   *
   * @param path - Without `/v1/`; may end in a query.
   * @param headers - More of them, names in lower case: `x-vault-wrap-ttl`, `x-vault-namespace`.
   * @throws {Error} for a status of 400 or more, with the server's words.
   */
  root(method: string, path: string, body?: JsonObject, headers?: Readonly<Record<string, string>>): FakeAnswer
  /** Makes a call with `token`, or none, past all faults; never throws for a status. */
  call(
    token: string | undefined,
    method: string,
    path: string,
    body?: JsonObject,
    headers?: Readonly<Record<string, string>>,
  ): FakeAnswer
  /** The core itself: one request in, one reply out. Past all faults, not recorded. */
  handle(request: FakeRequest): FakeReply

  /** Adds a line to the fault script. */
  fault(fault: Fault): FaultHandle
  /** Ends all faults. */
  clearFaults(): void
  /** From here on: 503, but for health and seal status. */
  seal(): void
  unseal(): void
  /** Makes it a standby: it redirects to `active`, the address of another server; without, it refuses. */
  stepDown(active?: string): void
  stepUp(): void
  /** Ends a token, as an operator would: by its accessor. Its leases die with it, and nobody is told. */
  revokeToken(accessor: string): void
  /** Ends a lease, as an operator would. */
  revokeLease(id: string): void

  /** What came by {@link transport} or the socket, in order; tokens redacted. */
  readonly requests: readonly SeenRequest[]
  /** The same with tokens. */
  requestsWithTokens(): readonly SeenRequest[]
  leases(): readonly LiveLease[]
  tokens(): readonly LiveToken[]
  /** How often a credential was made at `path` (`database/creds/app`); in all without one. */
  mints(path?: string): number
}

/**
 * A fake Vault or OpenBao server that follows a clock of yours, with a script of faults.
 *
 * It does what servers do where clients stumble: a lease dies with the token that made it and its TTL does not
 * show it; a renewal gives less than was asked for; 403 and 404 come without a request id; a deleted KV v2 version is
 * 404 with data, a transit batch 400 with data. It is set up by the calls that set up a real one.
 *
 * It knows tokens (service, batch, periodic, uses, explicit max TTL), approle, userpass and ldap logins, server
 * policies, kv 1 and 2, cubbyhole, database roles, transit, pki in shape, leases, wrapping, namespaces, health
 * and seal. At the start `secret/` is KV v2, as in a dev server. It is no secrets manager: nothing in it is guarded.
 *
 * @example
 * const clock = new FakeClock()
 * const server = createFakeServer({ clock })
 * server.root('POST', 'sys/mounts/database', { type: 'database' })
 * server.root('POST', 'database/roles/app', { default_ttl: '1h', max_ttl: '24h' })
 * const { body } = server.root('GET', 'database/creds/app')
 * server.leases().length   // 1
 * await clock.advance(3_600_000)
 * server.leases().length   // 0
 *
 * @example
 * server.fault({ path: 'database/creds/*', times: 2, status: 503, errors: ['Vault is sealed'] })
 * server.fault({ method: 'POST', path: /renew/, hang: true })
 */
export function createFakeServer(options: FakeServerOptions = {}): FakeServer {
  return new FakeServerShell(options)
}

class FakeServerShell implements FakeServer {
  readonly #clock: Clock
  readonly #core: FakeCore
  readonly #availability = new Availability()
  readonly #faults = new FaultScript()
  readonly #requests: FakeRequest[] = []
  #shell: Promise<HttpShell> | undefined
  #address: string | undefined

  constructor({ clock = systemClock, rootToken }: FakeServerOptions) {
    this.#clock = clock
    this.#core = new FakeCore(clock, this.#availability, rootToken)
  }

  get rootToken(): string {
    return this.#core.rootToken.id
  }

  get address(): string {
    if (this.#address === undefined) throw new Error('the fake server does not listen: await listen() first')
    return this.#address
  }

  async listen(): Promise<string> {
    this.#shell ??= openHttpShell((request) => this.#serve(request), this.#clock)
    const { address } = await this.#shell
    this.#address = address
    return address
  }

  async close(): Promise<void> {
    const shell = await this.#shell
    this.#shell = undefined
    this.#address = undefined
    await shell?.close()
  }

  transport(): Transport {
    return createMemoryTransport((request) => this.#serve(request), this.#clock)
  }

  root(method: string, path: string, body?: JsonObject, headers: Readonly<Record<string, string>> = {}): FakeAnswer {
    const answer = this.call(this.rootToken, method, path, body, headers)
    if (answer.status >= 400) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`)
    return answer
  }

  call(
    token: string | undefined,
    method: string,
    path: string,
    body?: JsonObject,
    headers: Readonly<Record<string, string>> = {},
  ): FakeAnswer {
    const request = directRequest(method, path, body)
    const named = token === undefined ? {} : { 'x-vault-token': token }
    const reply = this.handle({ ...request, headers: { ...request.headers, ...named, ...headers } })
    const text = Buffer.from(reply.body).toString('utf8')
    const isJson = reply.headers['content-type'] === 'application/json'
    return { status: reply.status, body: text === '' ? undefined : isJson ? JSON.parse(text) : text }
  }

  handle(request: FakeRequest): FakeReply {
    return this.#core.handle(request)
  }

  fault(fault: Fault): FaultHandle {
    return this.#faults.add(fault)
  }

  clearFaults(): void {
    this.#faults.clear()
  }

  seal(): void {
    this.#availability.seal()
  }

  unseal(): void {
    this.#availability.unseal()
  }

  stepDown(active?: string): void {
    this.#availability.stepDown(active)
  }

  stepUp(): void {
    this.#availability.stepUp()
  }

  revokeToken(accessor: string): void {
    const { tokens } = this.#core.state
    const token = tokens.byAccessor(accessor)
    if (token === undefined) throw new Error('no live token has that accessor')
    tokens.revoke(token)
  }

  revokeLease(id: string): void {
    const lease = this.#core.state.leases.live().find((live) => live.id === id)
    if (lease === undefined) throw new Error('no live lease has that id')
    lease.revoked = true
  }

  get requests(): readonly SeenRequest[] {
    return this.#requests.map((request) => seen(request, false))
  }

  requestsWithTokens(): readonly SeenRequest[] {
    return this.#requests.map((request) => seen(request, true))
  }

  leases(): readonly LiveLease[] {
    const { leases } = this.#core.state
    return leases.live().map((lease) => ({
      id: lease.id,
      path: lease.path,
      ttlMs: leases.ttlMs(lease),
      renewable: lease.renewable,
      ownerAccessor: lease.owner.accessor,
    }))
  }

  tokens(): readonly LiveToken[] {
    const { tokens } = this.#core.state
    return tokens.live().map((token) => {
      const { accessor, displayName, policies, type, path } = token
      return { accessor, displayName, policies, ttlMs: tokens.ttlMs(token), type, path }
    })
  }

  mints(path?: string): number {
    const { mints } = this.#core.state
    if (path !== undefined) return mints.get(path) ?? 0
    return [...mints.values()].reduce((sum, count) => sum + count, 0)
  }

  #serve(request: FakeRequest): Disruption {
    this.#requests.push(request)
    return this.#faults.apply(request, () => this.#core.handle(request))
  }
}

/** `path` may end in a query. */
function directRequest(method: string, path: string, body: JsonObject | undefined): FakeRequest {
  const at = path.indexOf('?')
  const query = Object.fromEntries(new URLSearchParams(at === -1 ? '' : path.slice(at + 1)))
  const type = method === 'PATCH' ? 'application/merge-patch+json' : 'application/json'
  return {
    method,
    path: at === -1 ? path : path.slice(0, at),
    query,
    headers: { 'content-type': type },
    body: body === undefined ? undefined : JSON.stringify(body),
  }
}
