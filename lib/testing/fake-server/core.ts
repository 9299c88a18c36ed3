import { randomUUID } from 'node:crypto'
import type { Clock } from '../../ports/clock.ts'
import { capabilitiesOn, needsSudo } from './acl.ts'
import type { Availability } from './availability.ts'
import type { Call, FakeMount } from './backend.ts'
import { errorReply, type FakeReply, type FakeRequest, Refusal } from './exchange.ts'
import { builtIn, createMount } from './mounts/create.ts'
import { createCubbyhole } from './mounts/cubbyhole.ts'
import { createSys } from './mounts/sys.ts'
import { createTokenMethod } from './mounts/token.ts'
import { replyOf } from './reply.ts'
import { callOf, routed } from './route.ts'
import { State } from './state.ts'
import type { FakeToken } from './tokens.ts'

/** The server without a way in: from request to reply, synchronously, by the clock it is given. */
export class FakeCore {
  readonly state: State
  readonly availability: Availability
  readonly rootToken: FakeToken

  constructor(clock: Clock, availability: Availability, rootToken: string | undefined) {
    this.state = new State(clock)
    this.availability = availability
    this.rootToken = this.state.tokens.create({
      path: 'auth/token/create',
      policies: ['root'],
      id: rootToken,
    })
    const { mounts } = this.state.addNamespace('')
    const sys = createSys({ capabilities: (call, path) => this.#granted(call, path, false), availability })
    for (const mount of [
      builtIn('sys/', 'system', sys),
      builtIn('auth/token/', 'token', createTokenMethod()),
      builtIn('cubbyhole/', 'cubbyhole', createCubbyhole()),
      createMount('secret/', 'kv', { version: '2' }),
    ])
      mounts.set(mount.path, mount)
  }

  /** Never throws for what a request holds. */
  handle(request: FakeRequest): FakeReply {
    try {
      return this.availability.reply(request, this.state.clock) ?? this.#served(request)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return errorReply(error.status, error.errors)
    }
  }

  #served(request: FakeRequest): FakeReply {
    const place = routed(this.state, request)
    const isOpen = place.mount?.backend.isOpen?.(place.rest) === true
    const token = isOpen ? undefined : this.#authenticated(request)
    const call = callOf(request, place, token)
    if (token !== undefined) this.#authorise(call, place.mount)
    if (place.mount === undefined)
      throw new Refusal(404, `no handler for route ${JSON.stringify(call.path)}. route entry not found.`)
    try {
      return replyOf(call, place.mount.backend.handle(call, this.state), this.state, randomUUID())
    } finally {
      if (token?.usesLeft === -1) this.state.tokens.revoke(token)
    }
  }

  #authenticated({ headers, path }: FakeRequest): FakeToken {
    const bearer = /^bearer\s+(.+)$/i.exec(headers.authorization ?? '')?.[1]
    const token = this.state.tokens.find(headers['x-vault-token'] ?? bearer ?? '')
    if (token !== undefined) return token
    if (path === 'sys/wrapping/unwrap' && headers['x-vault-token'] !== undefined)
      throw new Refusal(400, 'wrapping token is not valid or does not exist')
    throw new Refusal(403, 'permission denied')
  }

  #authorise(call: Call, mount: FakeMount | undefined): void {
    const { token } = call
    // Asked by itself, it says which mounts the token may know; that needs no right and costs no use.
    if (token === undefined || /^sys\/internal\/ui\/mounts(?:\/|$)/.test(call.path)) return
    if (token.usesLeft > 0) token.usesLeft = token.usesLeft === 1 ? -1 : token.usesLeft - 1
    const granted = this.#granted(call, call.path, call.operation === 'list')
    if (granted.includes('root')) return
    const isAllowed = granted.includes(needed(call, mount)) && (!needsSudo(call.path) || granted.includes('sudo'))
    if (!isAllowed) throw new Refusal(403, '1 error occurred:\n\t* permission denied\n\n')
  }

  #granted({ token, namespace }: Call, path: string, isList: boolean): readonly string[] {
    if (token === undefined || !isWithin(namespace, token.namespace)) return ['deny']
    if (token.policies.includes('root')) return ['root']
    const inner = namespace.slice(token.namespace.length).replace(/^\//, '')
    return capabilitiesOn(this.state.rulesOf(token), inner === '' ? path : `${inner}/${path}`, isList)
  }
}

function needed(call: Call, mount: FakeMount | undefined): string {
  if (call.operation !== 'write') return call.operation
  return mount?.backend.exists?.(call) === false ? 'create' : 'update'
}

function isWithin(namespace: string, outer: string): boolean {
  return outer === '' || namespace === outer || namespace.startsWith(`${outer}/`)
}
