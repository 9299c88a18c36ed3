import type { TestContext } from 'node:test'
import { callback } from '../../lib/audit/function-device.ts'
import { createGateway } from '../../lib/gateway.ts'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import type { GatewayEvents } from '../../lib/model/events.ts'
import type { Gateway } from '../../lib/model/gateway.ts'
import { seal, unseal } from '../../lib/model/sealed.ts'
import type { ServerAnswer, TokenGrant } from '../../lib/model/server-answer.ts'
import type { GatewayOptions } from '../../lib/options/gateway.ts'
import type { AuthMethod } from '../../lib/ports/auth-method.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import type { Transport, TransportOptions, TransportRequest } from '../../lib/ports/transport.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { checked } from '../support/checked-device.ts'

/** Answers one kind of request. */
export type Handler = (request: TransportRequest, options: TransportOptions) => ServerAnswer | Promise<ServerAnswer>

/** A server of a few handlers, by `operation path`; refuses the rest with 404. */
export class ServerDouble implements Transport {
  readonly address = 'double:'
  readonly requests: TransportRequest[] = []
  readonly #handlers = new Map<string, Handler>()
  isClosed = false

  constructor(handlers: Readonly<Record<string, Handler | ServerAnswer>> = {}) {
    for (const [name, handler] of Object.entries(handlers)) this.on(name, handler)
  }

  on(name: string, handler: Handler | ServerAnswer): void {
    this.#handlers.set(name, typeof handler === 'function' ? handler : () => handler)
  }

  async send(request: TransportRequest, options: TransportOptions): Promise<ServerAnswer> {
    this.requests.push(request)
    const handler = this.#handlers.get(`${request.operation} ${request.path}`) ?? (refuse(404) as Handler)
    return handler(request, options)
  }

  async close(): Promise<void> {
    this.isClosed = true
  }

  /** `operation path` of every request. */
  sent(): readonly string[] {
    return this.requests.map(({ operation, path }) => `${operation} ${path}`)
  }

  count(name: string): number {
    return this.sent().filter((each) => each === name).length
  }
}

/** Lets through what is asked: one policy, one rule. */
export function allow(path: string, operations: readonly string[], more: object = {}): object {
  return { policy: 'test', rules: [{ id: 'it', path, operations, effect: 'allow', ...more }] }
}

/** One policy of several rules; `name` also keeps apart those of one gateway. */
export function policy(name: string, rules: readonly object[], subject?: object): object {
  return { policy: name, ...(subject === undefined ? {} : { subject }), rules }
}

/** A rule that allows reading `path`. */
export function readable(path: string, more: object = {}): object {
  return { id: path, path, operations: ['read'], effect: 'allow', ...more }
}

/** A promise, and the function that resolves it. */
export function gate(): { readonly opened: Promise<void>; readonly open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>()
  return { opened: promise, open: () => resolve() }
}

/** A grant of a service token. */
export function tokenGrant(token: string, ttlMs = 3_600_000): TokenGrant {
  return {
    token: seal(token),
    accessor: seal(`accessor-of-${token}`),
    ttlMs,
    renewable: true,
    policies: ['default'],
    tokenType: 'service',
    orphan: true,
    numUses: 0,
    mfaRequired: false,
  }
}

/** An auth method that gives `s.1`, `s.2`, … and needs no server. */
export function counting(ttlMs = 3_600_000): AuthMethod & { logins: number } {
  return {
    method: 'counting',
    logins: 0,
    async login() {
      this.logins += 1
      return { grant: tokenGrant(`s.${this.logins}`, ttlMs), owned: true }
    },
  }
}

/** The token that a request went out with. */
export function tokenOf({ token }: TransportRequest): string {
  return token === undefined ? '' : unseal(token)
}

/** A dynamic secret that is another one each time it is minted. */
export function minting(ttlMs: number, path = 'database/creds/app'): Handler & { minted: number } {
  const handler: Handler & { minted: number } = Object.assign(
    () => {
      handler.minted += 1
      const data = { username: `user-${handler.minted}`, password: `password-${handler.minted}` }
      return answerWith({ leaseId: `${path}/${handler.minted}`, leaseDurationMs: ttlMs, renewable: true, data })
    },
    { minted: 0 },
  )
  return handler
}

/** A gateway over a double, with everything that can be seen of it. */
export interface Opened {
  readonly gateway: Gateway
  readonly server: ServerDouble
  readonly clock: FakeClock
  readonly entries: AuditEntry[]
  readonly events: { readonly name: keyof GatewayEvents; readonly event: object }[]
}

export interface OpenOptions extends Partial<Omit<GatewayOptions, 'server'>> {
  readonly handlers?: Readonly<Record<string, Handler | ServerAnswer>>
  /** Refuses an entry by throwing. */
  readonly onEntry?: (entry: AuditEntry) => void | Promise<void>
}

const EVENTS = ['denied', 'login', 'loginFailed', 'leaked', 'warning'] as const

export async function open(t: TestContext, options: OpenOptions = {}): Promise<Opened> {
  const { handlers = {}, onEntry, ...rest } = options
  const server = new ServerDouble({ 'write auth/token/revoke-self': answerWith({ status: 204 }), ...handlers })
  const clock = new FakeClock()
  const entries: AuditEntry[] = []
  const write = async (entry: unknown): Promise<void> => {
    await onEntry?.(entry as AuditEntry)
    entries.push(entry as AuditEntry)
  }
  const device = checked(callback('test', write))
  const gateway = await createGateway(
    { auth: counting(), audit: { devices: [device] }, ...rest, server },
    { clock, random: fixedRandom(), telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  const events: Opened['events'] = []
  for (const name of EVENTS) gateway.on(name, (event: object) => void events.push({ name, event }))
  return { gateway, server, clock, entries, events }
}

/** Entries of callers; not those of the gateway's own calls. */
export function foreign(entries: readonly AuditEntry[]): readonly AuditEntry[] {
  return entries.filter(({ caller }) => caller.service !== 'portcullis')
}

/** `type effect` or `type effect source` of entries, in order. */
export function shape(entries: readonly AuditEntry[]): readonly string[] {
  return entries.map(({ type, decision, response, error }) =>
    [type, decision.effect, response?.source ?? error?.split(':')[0]].filter((word) => word !== undefined).join(' '),
  )
}
