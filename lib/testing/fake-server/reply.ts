import type { JsonObject } from '../../model/json.ts'
import type { Call, Outcome } from './backend.ts'
import { durationMs } from './duration.ts'
import { type Envelope, emptyReply, envelopeJson, type FakeReply, jsonReply, Refusal, secondsOf } from './exchange.ts'
import type { LeaseSpec } from './leases.ts'
import type { State } from './state.ts'
import type { FakeToken } from './tokens.ts'

/** What a backend answered, as a reply: leases and tokens are made here, and responses wrapped. */
export function replyOf(call: Call, outcome: Outcome, state: State, requestId: string): FakeReply {
  if (outcome.reply !== undefined) return outcome.reply
  const envelope = envelopeOf(call, outcome, state)
  if (envelope === undefined) return emptyReply(outcome.status ?? 204)
  const json = outcome.unwrapped ?? envelopeJson({ ...envelope, requestId })
  const wrapTtlMs = durationMs(call.request.headers['x-vault-wrap-ttl'], 0)
  if (wrapTtlMs > 0 && outcome.unwrapped === undefined) return wrapped(call, json, wrapTtlMs, state)
  return jsonReply(outcome.status ?? 200, { ...json, request_id: requestId })
}

type Content = Omit<Envelope, 'requestId'>

function envelopeOf(call: Call, outcome: Outcome, state: State): Content | undefined {
  const { data, warnings = [], lease, renewed, login, token, unwrapped } = outcome
  const said = { data, warnings }
  if (lease !== undefined) return { ...said, ...leased(call, lease, state) }
  if (renewed !== undefined)
    return { ...said, leaseId: renewed.leaseId, leaseDurationMs: renewed.ttlMs, renewable: renewed.renewable }
  if (login !== undefined) return { ...said, auth: authJson(state.tokens.create(login), state) }
  if (token !== undefined) return { ...said, auth: authJson(token, state) }
  if (data === undefined && unwrapped === undefined) return undefined
  return { ...said, leaseDurationMs: outcome.leaseDurationMs ?? 0 }
}

function leased({ namespace, path, token }: Call, spec: LeaseSpec, state: State): Content {
  if (token === undefined) throw new Refusal(403, 'permission denied')
  const lease = state.leases.create(namespace, path, token, spec)
  if (token.usesLeft === -1)
    throw new Refusal(400, 'Secret cannot be returned: it was the last use of the token, which takes its leases along')
  return { leaseId: lease.id, leaseDurationMs: state.leases.ttlMs(lease), renewable: lease.renewable }
}

function authJson(token: FakeToken, { tokens }: State): JsonObject {
  return {
    client_token: token.id,
    accessor: token.accessor,
    policies: token.policies,
    token_policies: token.policies,
    metadata: token.meta ?? null,
    lease_duration: secondsOf(tokens.ttlMs(token)),
    renewable: token.renewable,
    entity_id: token.entityId,
    token_type: token.type,
    orphan: token.parent === undefined,
    mfa_requirement: null,
    num_uses: token.usesLeft,
  }
}

function wrapped({ namespace, path }: Call, response: JsonObject, ttlMs: number, state: State): FakeReply {
  const policies = ['response-wrapping']
  const token = state.tokens.create({ namespace, path, policies, ttlMs, explicitMaxTtlMs: ttlMs, renewable: false })
  const creationTime = state.time()
  state.wrapped.set(token.id, { creationPath: path, creationTime, ttlMs, response })
  const auth = response.auth as JsonObject | null
  const wrapInfo = {
    token: token.id,
    accessor: token.accessor,
    ttl: secondsOf(ttlMs),
    creation_time: creationTime,
    creation_path: path,
    ...(auth === null ? {} : { wrapped_accessor: auth.accessor ?? '' }),
  }
  return jsonReply(200, envelopeJson({ requestId: '', wrapInfo }))
}
