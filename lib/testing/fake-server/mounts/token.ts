import { isJsonObject, type JsonObject } from '../../../model/json.ts'
import type { Backend, Call, Outcome } from '../backend.ts'
import { durationMs } from '../duration.ts'
import { Refusal, secondsOf } from '../exchange.ts'
import { type State, timeText } from '../state.ts'
import type { FakeToken, TokenSpec } from '../tokens.ts'
import { countField, listField, textField } from './fields.ts'
import { withDefault } from './token-settings.ts'

/** The token auth method: `auth/token/`. */
export function createTokenMethod(): Backend {
  return {
    handle(call, state): Outcome {
      const action = ACTIONS[call.rest]
      if (action === undefined) throw new Refusal(404, 'unsupported path')
      return action(call, state)
    },
  }
}

type Action = (call: Call, state: State) => Outcome

const ACTIONS: Readonly<Record<string, Action>> = {
  create: (call) => ({ login: created(call, call.data.no_parent === true) }),
  'create-orphan': (call) => ({ login: created(call, true) }),
  'lookup-self': (call, state) => ({ data: described(self(call), state) }),
  lookup: (call, state) => ({ data: described(named(call, state), state) }),
  'lookup-accessor': (call, state) => ({ data: { ...described(byAccessor(call, state), state), id: '' } }),
  'renew-self': (call, state) => renewed(self(call), call, state),
  renew: (call, state) => renewed(named(call, state), call, state),
  'renew-accessor': (call, state) => renewed(byAccessor(call, state), call, state),
  'revoke-self': (call, state) => revoked(self(call), state),
  revoke: (call, state) => revoked(state.tokens.find(textField(call.data, 'token')), state),
  'revoke-accessor': (call, state) => revoked(byAccessor(call, state), state),
}

function self({ token }: Call): FakeToken {
  if (token === undefined) throw new Refusal(403, 'permission denied')
  return token
}

function named({ data }: Call, { tokens }: State): FakeToken {
  const token = tokens.find(textField(data, 'token'))
  if (token === undefined) throw new Refusal(403, 'bad token')
  return token
}

function byAccessor({ data }: Call, { tokens }: State): FakeToken {
  const token = tokens.byAccessor(textField(data, 'accessor'))
  if (token === undefined) throw new Refusal(403, 'invalid accessor')
  return token
}

function created(call: Call, isOrphan: boolean): TokenSpec {
  const { data } = call
  const parent = self(call)
  if (parent.type === 'batch') throw new Refusal(400, 'batch tokens cannot create more tokens')
  const asked = listField(data, 'policies') ?? parent.policies
  const isRoot = parent.policies.includes('root')
  if (!isRoot && asked.some((name) => name !== 'default' && !parent.policies.includes(name)))
    throw new Refusal(400, 'child policies must be subset of parent')
  return {
    path: call.path,
    namespace: call.namespace,
    policies: data.no_default_policy === true ? asked : withDefault(asked),
    type: data.type === 'batch' ? 'batch' : 'service',
    id: isRoot && textField(data, 'id') !== '' ? textField(data, 'id') : undefined,
    meta: metaOf(data),
    ttlMs: durationMs(data.ttl, 0),
    explicitMaxTtlMs: durationMs(data.explicit_max_ttl, 0),
    periodMs: durationMs(data.period, 0),
    numUses: countField(data, 'num_uses', 0),
    renewable: data.renewable !== false,
    parent: isOrphan ? undefined : parent,
  }
}

function metaOf({ meta }: JsonObject): Readonly<Record<string, string>> | undefined {
  if (!isJsonObject(meta)) return undefined
  return Object.fromEntries(Object.entries(meta).map(([name, value]) => [name, String(value)]))
}

function described(token: FakeToken, { tokens, clock }: State): JsonObject {
  const ttlMs = tokens.ttlMs(token)
  return {
    accessor: token.accessor,
    creation_time: Math.floor(token.issuedWallMs / 1000),
    creation_ttl: secondsOf(token.creationTtlMs),
    display_name: token.displayName,
    entity_id: token.entityId,
    expire_time: ttlMs === Infinity ? null : timeText(clock.wallTime() + ttlMs),
    explicit_max_ttl: secondsOf(token.explicitMaxTtlMs),
    id: token.id,
    issue_time: timeText(token.issuedWallMs),
    ...(token.renewedWallMs === undefined ? {} : { last_renewal: timeText(token.renewedWallMs) }),
    meta: token.meta ?? null,
    num_uses: token.usesLeft,
    orphan: token.parent === undefined,
    path: token.path,
    ...(token.periodMs === 0 ? {} : { period: secondsOf(token.periodMs) }),
    policies: token.policies,
    renewable: token.renewable,
    ttl: secondsOf(ttlMs),
    type: token.type,
  }
}

function renewed(token: FakeToken, { data }: Call, { tokens }: State): Outcome {
  if (!token.renewable) throw new Refusal(400, 'lease is not renewable')
  const { warnings } = tokens.renew(token, durationMs(data.increment, 0))
  return { token, warnings }
}

function revoked(token: FakeToken | undefined, { tokens }: State): Outcome {
  if (token?.type === 'batch') throw new Refusal(400, 'batch tokens cannot be revoked')
  if (token !== undefined) tokens.revoke(token)
  return {}
}
