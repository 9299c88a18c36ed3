import type { JsonObject } from '../../../model/json.ts'
import type { Backends } from '../backends.ts'
import { type Context, wallTimeFor } from '../context.ts'
import { durationField, durationMs, secondsOf, timeText } from '../duration.ts'
import { countField, flagField, listField, textField, textsField } from '../fields.ts'
import { grantOf } from '../grant.ts'
import { policiesOf } from '../logins.ts'
import { DONE, type Outcome } from '../outcome.ts'
import type { OwnRequests, RenewedLogin } from '../own-requests.ts'
import { denied, refuse, unsupportedOperation, unsupportedPath, wrapped } from '../refusal.ts'
import type { Token } from '../token.ts'
import type { Tokens } from '../tokens.ts'
import { grantedTtl } from '../ttl.ts'
import { isOperator, type OwnCall, type OwnHandler } from './call.ts'

export interface TokenHandlerDeps {
  readonly context: Context
  readonly tokens: Tokens
  readonly backends: Backends
  readonly ownRequests: OwnRequests
}

type Action = (deps: TokenHandlerDeps, call: OwnCall) => Promise<Outcome> | Outcome

/** Of one's own token: anyone may. */
const SELF: ReadonlyMap<string, Action> = new Map(
  Object.entries<Action>({
    'lookup-self': (deps, call) => ({ data: described(deps, self(call), call.tokenValue) }),
    'renew-self': (deps, call) => renewed(deps, self(call), call, call.tokenValue),
    'revoke-self': (deps, call) => revoked(deps, self(call)),
  }),
)

/** Of others: the operator's. */
const OTHERS: ReadonlyMap<string, Action> = new Map(
  Object.entries<Action>({
    create: (deps, call) => created(deps, call, flagField(call.data, 'no_parent') === true),
    'create-orphan': (deps, call) => created(deps, call, true),
    lookup: (deps, call) => ({
      data: described(deps, named(deps, call), textField(call.data, 'token') || call.tokenValue),
    }),
    'lookup-accessor': (deps, call) => ({ data: described(deps, byAccessor(deps, call), '') }),
    renew: (deps, call) => renewed(deps, renewable(deps, call), call, textField(call.data, 'token')),
    'renew-accessor': (deps, call) => renewed(deps, byAccessor(deps, call), call, ''),
    revoke: (deps, call) => revoked(deps, revocable(deps, call)),
    'revoke-accessor': revokedByAccessor,
  }),
)

/** `auth/token/…`: the tokens of the host. */
export function createTokenHandler(deps: TokenHandlerDeps): OwnHandler {
  return (call) => {
    const { operation, rest } = call
    const own = SELF.get(rest)
    const action = own ?? OTHERS.get(rest)
    if (own === undefined && !isOperator(call)) throw denied()
    if (rest.replace(/\/$/, '') === 'accessors') {
      if (operation !== 'list') throw unsupportedOperation()
      return { data: { keys: [...deps.tokens.accessors()] } }
    }
    if (action === undefined) throw unsupportedPath()
    const isLookUp = rest === 'lookup-self' || rest === 'lookup'
    if (operation !== 'write' && !(isLookUp && operation === 'read')) throw unsupportedOperation()
    return action(deps, call)
  }
}

function self({ token }: OwnCall): Token {
  if (token === undefined) throw refuse(403, 'permission denied')
  return token
}

function named({ tokens }: TokenHandlerDeps, { data, tokenValue }: OwnCall): Token {
  const token = tokens.find(textField(data, 'token') || tokenValue)
  if (token === undefined) throw refuse(403, 'bad token')
  return token
}

function renewable({ tokens }: TokenHandlerDeps, { data, tokenValue }: OwnCall): Token {
  const token = tokens.find(textField(data, 'token') || tokenValue)
  if (token === undefined) throw refuse(400, 'token not found')
  return token
}

function byAccessor({ tokens }: TokenHandlerDeps, { data }: OwnCall): Token {
  const token = tokens.byAccessor(accessorOf(data))
  if (token === undefined) throw refuse(400, wrapped('invalid accessor'))
  return token
}

function revocable({ tokens }: TokenHandlerDeps, { data }: OwnCall): Token | undefined {
  const value = textField(data, 'token')
  if (value === '') throw refuse(400, 'missing token ID')
  return tokens.find(value)
}

function accessorOf(data: JsonObject): string {
  const accessor = textField(data, 'accessor')
  if (accessor === '') throw refuse(400, wrapped('missing accessor'))
  return accessor
}

async function created(deps: TokenHandlerDeps, call: OwnCall, isOrphan: boolean): Promise<Outcome> {
  const { data } = call
  const { tokens, context } = deps
  if (data.id !== undefined) throw refuse(400, 'the host chooses the ids of tokens')
  const type = textField(data, 'type') || 'service'
  if (type !== 'batch' && type !== 'service') throw refuse(400, "invalid 'token_type' value")
  const policies = listField(data, 'policies') ?? []
  const noDefaultPolicy = flagField(data, 'no_default_policy') === true
  const periodMs = durationMs(data.period)
  const explicitMaxTtlMs = durationMs(data.explicit_max_ttl)
  const nowMs = context.clock.wallTime()
  const { ttlMs, warnings } = grantedTtl({
    incrementMs: 0,
    backendTtlMs: durationMs(data.ttl ?? data.lease),
    backendMaxTtlMs: 0,
    periodMs,
    explicitMaxTtlMs,
    ...{ defaultTtlMs: context.defaultLeaseTtlMs, maxTtlMs: context.maxLeaseTtlMs, startMs: nowMs, nowMs },
  })
  const { token, value } = await tokens.create({
    // Never an operator, whoever makes it: what its holder may do is for gateway policies to say.
    kind: 'caller',
    path: call.path,
    policies: policiesOf({
      policies: policies.filter((name) => !noDefaultPolicy || name !== 'default'),
      noDefaultPolicy,
    }),
    type,
    displayName: displayNameOf(textField(data, 'display_name')),
    metadata: textsField(data, 'meta') ?? null,
    parent: isOrphan ? '' : self(call).hash,
    ...{ ttlMs, periodMs, explicitMaxTtlMs },
    renewable: flagField(data, 'renewable') ?? true,
    usesLeft: type === 'batch' ? 0 : countField(data, 'num_uses'),
  })
  return { auth: { ...grantOf(value, token, ttlMs), orphan: isOrphan }, warnings }
}

function displayNameOf(name: string): string {
  return name === '' ? 'token' : `token-${name.replace(/[^a-zA-Z0-9]/g, '-')}`
}

async function renewed(deps: TokenHandlerDeps, token: Token, { data }: OwnCall, value: string): Promise<Outcome> {
  const { record } = token
  if (record.type === 'batch') throw refuse(400, 'batch tokens cannot be renewed')
  if (!record.renewable) throw refuse(400, 'lease is not renewable')
  const { ttlMs, warnings, change } = await renewal(deps, token, durationField(data, 'increment'))
  await deps.tokens.update(token, change)
  // The servers tell every renewed login to have a parent.
  const orphan = record.auth === null && record.parent === ''
  return { auth: { ...grantOf(value, token, ttlMs), orphan }, warnings }
}

async function renewal(
  { context, ownRequests }: TokenHandlerDeps,
  token: Token,
  incrementMs: number,
): Promise<RenewedLogin> {
  const { record } = token
  if (record.auth !== null) return ownRequests.renewLogin(token, incrementMs)
  const nowMs = wallTimeFor(context.clock, record.expiresAtMs, token.dueMs)
  const granted = grantedTtl({
    incrementMs,
    backendTtlMs: record.creationTtlMs,
    backendMaxTtlMs: record.maxTtlMs,
    periodMs: record.periodMs,
    explicitMaxTtlMs: record.explicitMaxTtlMs,
    ...{ defaultTtlMs: context.defaultLeaseTtlMs, maxTtlMs: context.maxLeaseTtlMs },
    ...{ startMs: record.issuedAtMs, nowMs },
  })
  return { ...granted, change: { renewedAtMs: nowMs, expiresAtMs: nowMs + granted.ttlMs } }
}

async function revoked({ tokens }: TokenHandlerDeps, token: Token | undefined): Promise<Outcome> {
  if (token?.record.type === 'batch') throw refuse(400, 'batch tokens cannot be revoked')
  if (token !== undefined) await tokens.revoke(token)
  return DONE
}

function revokedByAccessor(deps: TokenHandlerDeps, { data }: OwnCall): Promise<Outcome> | Outcome {
  const token = deps.tokens.byAccessor(accessorOf(data))
  return token === undefined ? { warnings: ['No token found with this accessor'] } : revoked(deps, token)
}

function described({ tokens }: TokenHandlerDeps, token: Token, value: string): JsonObject {
  const { record } = token
  const { renewedAtMs, expiresAtMs } = record
  return {
    accessor: record.accessor,
    creation_time: secondsOf(record.issuedAtMs),
    creation_ttl: secondsOf(record.creationTtlMs),
    display_name: record.displayName,
    entity_id: record.entityId,
    expire_time: expiresAtMs === null ? null : timeText(expiresAtMs),
    explicit_max_ttl: secondsOf(record.explicitMaxTtlMs),
    id: value,
    issue_time: timeText(record.issuedAtMs),
    ...(renewedAtMs === null ? {} : { last_renewal: timeText(renewedAtMs), last_renewal_time: secondsOf(renewedAtMs) }),
    meta: record.metadata,
    num_uses: record.usesLeft,
    orphan: record.parent === '',
    path: record.path,
    ...(record.periodMs === 0 ? {} : { period: secondsOf(record.periodMs) }),
    policies: record.policies,
    renewable: record.renewable,
    ttl: expiresAtMs === null ? 0 : secondsOf(tokens.ttlMs(token)),
    type: record.type,
  }
}
