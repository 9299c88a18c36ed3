import type { BackendAuth } from '../../model/backend.ts'
import type { Backends } from './backends.ts'
import type { Context } from './context.ts'
import type { Entities } from './entities.ts'
import { grantOf } from './grant.ts'
import type { Mount } from './mount.ts'
import type { Outcome } from './outcome.ts'
import { refuse } from './refusal.ts'
import type { Tokens } from './tokens.ts'
import { type Granted, grantedTtl } from './ttl.ts'

/** Makes a token of what an auth plugin answered. @throws {Refusal} for what no token may be made of. */
export type LogIn = (mount: Mount, path: string, below: string, auth: BackendAuth) => Promise<Outcome>

export interface LoginDeps {
  readonly context: Context
  readonly tokens: Tokens
  readonly entities: Entities
  readonly backends: Backends
}

/** Most policies and metadata that a login may bring: they are kept with each token. */
const MAX_POLICIES = 1_000
const MAX_METADATA = 1_000

export function createLogIn(deps: LoginDeps): LogIn {
  const { tokens, entities, context } = deps
  return async (mount, path, below, auth) => {
    const { record } = mount
    const policies = policiesOf(auth)
    if (Object.keys(auth.metadata).length > MAX_METADATA || !(auth.numUses >= 0)) throw refuse(500, 'internal error')
    const type = tokenTypeOf(mount, auth)
    const nowMs = context.clock.wallTime()
    const { ttlMs, warnings } = loginTtl(deps.backends, mount, auth, { incrementMs: 0, startMs: nowMs, nowMs })
    const entityId = await entityOf(entities, mount, auth)
    const { token, value } = await tokens.create({
      kind: 'caller',
      path,
      below,
      policies,
      type,
      displayName: displayNameOf(record.path, auth),
      metadata: Object.keys(auth.metadata).length === 0 ? null : auth.metadata,
      mountUuid: record.uuid,
      entityId,
      alias: auth.alias?.name ?? '',
      ttlMs,
      periodMs: auth.periodMs,
      explicitMaxTtlMs: auth.explicitMaxTtlMs,
      maxTtlMs: auth.maxTtlMs,
      renewable: auth.renewable,
      usesLeft: type === 'batch' ? 0 : auth.numUses,
      auth: type === 'batch' ? null : auth,
    })
    return { auth: grantOf(value, token, ttlMs), warnings }
  }
}

/** The time a login or its renewal gets. @throws {Refusal} 400 past the max TTL. */
export function loginTtl(
  backends: Backends,
  mount: Mount,
  auth: BackendAuth,
  moment: { readonly incrementMs: number; readonly startMs: number; readonly nowMs: number },
): Granted {
  if ([auth.ttlMs, auth.maxTtlMs, auth.periodMs, auth.explicitMaxTtlMs].some((ms) => !(ms >= 0)))
    throw refuse(500, 'internal error')
  return grantedTtl({
    ...backends.limits(mount),
    ...moment,
    backendTtlMs: auth.ttlMs,
    backendMaxTtlMs: auth.maxTtlMs,
    periodMs: auth.periodMs,
    explicitMaxTtlMs: auth.explicitMaxTtlMs,
  })
}

/** Lower case, sorted, each once, `default` among them. @throws {Refusal} 400 for `root`: no plugin makes an operator. */
export function policiesOf(auth: Pick<BackendAuth, 'policies' | 'noDefaultPolicy'>): readonly string[] {
  if (auth.policies.length > MAX_POLICIES) throw refuse(500, 'internal error')
  const names = auth.policies.map((name) => name.trim().toLowerCase()).filter((name) => name !== '')
  if (names.includes('root')) throw refuse(400, `auth methods cannot create root tokens`)
  return [...new Set(auth.noDefaultPolicy ? names : [...names, 'default'])].sort()
}

function tokenTypeOf({ record }: Mount, auth: BackendAuth): 'service' | 'batch' {
  const ofMount = record.config.tokenType
  // What the mount fixes binds; what it only prefers gives way.
  if (ofMount === 'service' || ofMount === 'batch') return ofMount
  if (auth.tokenType === 'service' || auth.tokenType === 'batch') return auth.tokenType
  if (auth.tokenType === 'default-service') return 'service'
  if (auth.tokenType === 'default-batch') return 'batch'
  return ofMount === 'default-batch' ? 'batch' : 'service'
}

function displayNameOf(path: string, auth: BackendAuth): string {
  const mount = path.slice('auth/'.length, -1).replaceAll('/', '-')
  return auth.displayName === '' ? mount : `${mount}-${auth.displayName}`
}

async function entityOf(entities: Entities, { record }: Mount, { alias }: BackendAuth): Promise<string> {
  if (alias === undefined) return ''
  if (alias.name === '') throw refuse(500, 'missing name in alias')
  const { name, metadata } = alias
  const { id } = await entities.of({ name, metadata, mountAccessor: record.accessor, mountType: record.type })
  return id
}
