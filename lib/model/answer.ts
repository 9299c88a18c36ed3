import { inspect } from 'node:util'
import type { Source } from './audit-entry.ts'
import type { Decision } from './decision.ts'
import type { JsonObject } from './json.ts'
import { unseal } from './sealed.ts'
import type { RawBody, ServerAnswer } from './server-answer.ts'

/** A wrapping token as handed to the caller that asked for it. */
export interface Wrapped {
  readonly token: string
  readonly accessor: string
  readonly ttlMs: number
  readonly creationPath: string
}

/** A token that a login or `auth/token/create` gave. */
export interface IssuedToken {
  readonly token: string
  readonly accessor: string
  /** `Infinity` for a token without end. */
  readonly ttlMs: number
  readonly renewable: boolean
  readonly policies: readonly string[]
}

/**
 * What a call resolves to. `JSON.stringify` and `inspect` show everything but the secret.
 *
 * `data` is frozen at every depth, since callers may share it.
 */
export interface Answer<T = JsonObject> {
  /** The secret. An empty object where the server sent none (204). */
  readonly data: T
  /** 200, 204; also 400 or 404 where the server sent `data` with it (transit batches, deleted KV versions). */
  readonly status: number
  /** Empty where there is no lease. */
  readonly leaseId: string
  /** `dry-run`: nothing was sent. */
  readonly source: Source | 'dry-run'
  /** Milliseconds since the request that fetched it was sent; 0 for a fresh one. */
  readonly ageMs: number
  /** Milliseconds the secret still lives: the earlier of its lease's and its session token's end. `Infinity`: no end known. */
  readonly ttlMs: number
  /** Milliseconds since the server last said that it lives. */
  readonly verifiedMs: number
  readonly renewable: boolean
  readonly warnings: readonly string[]
  /** The server's id of the request; empty where it gave none. */
  readonly requestId: string
  /** What let it pass. */
  readonly decision: Decision
  /** Present where a wrap TTL was asked for. */
  readonly wrapped: Wrapped | undefined
  /** Present where the server issued a token. */
  readonly auth: IssuedToken | undefined
  /** Present where the answer is no JSON, such as `pki/ca/pem`. */
  readonly raw: RawBody | undefined
  /** The whole body as the server sent it, secrets included; only with `server.keepBodies`. Not to be changed: callers may share it. */
  readonly body?: Uint8Array | undefined
}

/** What an answer tells beyond the server's own words. */
export interface AnswerFacts {
  readonly source: Source | 'dry-run'
  readonly ageMs: number
  readonly ttlMs: number
  readonly verifiedMs: number
}

const NOTHING: JsonObject = Object.freeze({})

/** {@link Answer} over what the server said; nothing is copied. */
export class SealedAnswer implements Answer {
  readonly #server: ServerAnswer
  readonly source: Source | 'dry-run'
  readonly ageMs: number
  readonly ttlMs: number
  readonly verifiedMs: number
  readonly decision: Decision

  constructor(server: ServerAnswer, facts: AnswerFacts, decision: Decision) {
    this.#server = server
    this.source = facts.source
    this.ageMs = facts.ageMs
    this.ttlMs = facts.ttlMs
    this.verifiedMs = facts.verifiedMs
    this.decision = decision
  }

  get data(): JsonObject {
    return this.#server.data ?? NOTHING
  }

  get status(): number {
    return this.#server.status
  }

  get leaseId(): string {
    return this.#server.leaseId
  }

  get renewable(): boolean {
    return this.#server.renewable
  }

  get warnings(): readonly string[] {
    return this.#server.warnings
  }

  get requestId(): string {
    return this.#server.requestId
  }

  get raw(): RawBody | undefined {
    return this.#server.raw
  }

  get body(): Uint8Array | undefined {
    const { body } = this.#server
    return body === undefined ? undefined : unseal(body)
  }

  get wrapped(): Wrapped | undefined {
    const info = this.#server.wrapInfo
    if (info === undefined) return undefined
    const { ttlMs, creationPath } = info
    return { token: unseal(info.token), accessor: unseal(info.accessor), ttlMs, creationPath }
  }

  get auth(): IssuedToken | undefined {
    const grant = this.#server.auth
    if (grant === undefined) return undefined
    const { ttlMs, renewable, policies } = grant
    return { token: unseal(grant.token), accessor: unseal(grant.accessor), ttlMs, renewable, policies }
  }

  toJSON(): JsonObject {
    const { source, ageMs, ttlMs, verifiedMs, status, renewable, requestId } = this
    const { effect, reason, policy, rule } = this.decision
    const decision = { effect, reason, policy: policy ?? null, rule: rule ?? null }
    return { source, status, ageMs, ttlMs, verifiedMs, renewable, requestId, decision, data: '[sealed]' }
  }
}

Object.defineProperty(SealedAnswer.prototype, inspect.custom, {
  value(this: SealedAnswer): unknown {
    return this.toJSON()
  },
})
