import type { BackendAuth, BackendReply, BackendSecret } from '../model/backend.ts'
import type { JsonObject } from '../model/json.ts'
import { parseObjectText } from '../model/parse-json.ts'
import type { BackendPlugin, LeaseChange, LeaseRequest, LoginChange, SecretDefinition } from './definition.ts'
import type { InstanceRequest } from './instance-request.ts'
import { PluginRefusal } from './refusal.ts'
import { duration, SECRET_TYPE, textOf } from './reply.ts'
import type { Context } from './request.ts'

const EMPTY: JsonObject = Object.freeze({})

/** Renews a lease. The secret goes back whole: a host replaces what it kept, and could not revoke by what is missing. */
export async function renewLease(
  plugin: BackendPlugin,
  request: InstanceRequest,
  context: Context,
): Promise<BackendReply> {
  const { secret, definition, lease } = leaseOf(plugin, request, context)
  const { renew } = definition
  if (renew === undefined) throw new PluginRefusal('', 'unsupported-operation')
  const change: LeaseChange = (renew === true ? undefined : await renew(lease)) ?? {}
  const internal = change.internal === undefined ? secret.internalData : kept(change.internal, secret.internalData)
  return {
    response: {
      secret: {
        ...secret,
        ttlMs: change.ttlMs === undefined ? secret.ttlMs : duration(change.ttlMs, 'ttlMs'),
        maxTtlMs: change.maxTtlMs === undefined ? secret.maxTtlMs : duration(change.maxTtlMs, 'maxTtlMs'),
        internalData: internal,
      },
      data: change.data === undefined ? 'null' : textOf(change.data),
      redirect: '',
      warnings: change.warnings ?? [],
      wrapTtlMs: 0,
      headers: {},
    },
  }
}

/** The type of a secret is not the author's to change. */
function kept(internal: JsonObject, before: string): string {
  return textOf({ ...internal, [SECRET_TYPE]: parseObjectText(before)?.[SECRET_TYPE] ?? '' })
}

/** Ends the secret of a lease. */
export async function revokeLease(
  plugin: BackendPlugin,
  request: InstanceRequest,
  context: Context,
): Promise<BackendReply> {
  const { definition, lease } = leaseOf(plugin, request, context)
  await definition.revoke(lease)
  return {}
}

interface Lease {
  readonly secret: BackendSecret
  readonly definition: SecretDefinition
  readonly lease: LeaseRequest
}

function leaseOf(plugin: BackendPlugin, request: InstanceRequest, context: Context): Lease {
  const { secret } = request
  const stored = secret === undefined ? undefined : parseObjectText(secret.internalData)
  const type = stored?.[SECRET_TYPE]
  const definition = typeof type === 'string' && Object.hasOwn(plugin.secrets, type) ? plugin.secrets[type] : undefined
  if (secret === undefined || stored === undefined || definition === undefined)
    throw new PluginRefusal('secret is unsupported by this backend', 'user')
  const { [SECRET_TYPE]: _, ...internal } = stored
  const { ttlMs, maxTtlMs, issuedAtMs, incrementMs, leaseId } = secret
  const data = parseObjectText(request.data) ?? EMPTY
  return {
    secret,
    definition,
    lease: { ...context, internal, data, ttlMs, maxTtlMs, issuedAtMs, incrementMs, leaseId },
  }
}

/** Renews the token of a login. */
export async function renewLogin(plugin: BackendPlugin, auth: BackendAuth, context: Context): Promise<BackendReply> {
  const renew = plugin.auth?.renew
  if (renew === undefined) throw new PluginRefusal('', 'unsupported-operation')
  const { ttlMs, maxTtlMs, periodMs, issuedAtMs, incrementMs, policies, metadata } = auth
  const internal = parseObjectText(auth.internalData) ?? EMPTY
  const alias = auth.alias?.name ?? ''
  const login = {
    ...context,
    ...{ internal, alias, policies, metadata, ttlMs, maxTtlMs, periodMs, issuedAtMs, incrementMs },
  }
  const change = (renew === true ? undefined : await renew(login)) ?? {}
  return {
    response: {
      auth: changedAuth(auth, change),
      data: 'null',
      redirect: '',
      warnings: [],
      wrapTtlMs: 0,
      headers: {},
    },
  }
}

function changedAuth(auth: BackendAuth, change: LoginChange): BackendAuth {
  const { internal, groupAliases, ttlMs, maxTtlMs, explicitMaxTtlMs, periodMs, ...rest } = change
  return {
    ...auth,
    ...rest,
    ttlMs: ttlMs === undefined ? auth.ttlMs : duration(ttlMs, 'ttlMs'),
    maxTtlMs: maxTtlMs === undefined ? auth.maxTtlMs : duration(maxTtlMs, 'maxTtlMs'),
    explicitMaxTtlMs:
      explicitMaxTtlMs === undefined ? auth.explicitMaxTtlMs : duration(explicitMaxTtlMs, 'explicitMaxTtlMs'),
    periodMs: periodMs === undefined ? auth.periodMs : duration(periodMs, 'periodMs'),
    internalData: internal === undefined ? auth.internalData : textOf(internal),
    groupAliases:
      groupAliases === undefined ? auth.groupAliases : groupAliases.map(({ name }) => ({ name, metadata: {} })),
  }
}
