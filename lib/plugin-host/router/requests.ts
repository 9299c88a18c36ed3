import type {
  BackendCallOptions,
  BackendOperation,
  BackendRequest,
  BackendResponse,
  BackendSecret,
} from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Operation } from '../../model/operation.ts'
import type { Backends } from './backends.ts'
import type { Leases } from './leases.ts'
import type { LogIn } from './logins.ts'
import type { Mount, Running } from './mount.ts'
import { saltedToken } from './names.ts'
import { DONE, type Outcome } from './outcome.ts'
import { refuse, wrapped } from './refusal.ts'
import { isOutcome, type Shaped, shaped } from './shape.ts'
import type { Token } from './token.ts'

/** A request on its way to a mount; who may ask it is settled. */
export interface MountCall {
  readonly mount: Mount
  readonly operation: Operation | 'help'
  /** Whole, from the root; lists without the slash that is added here. */
  readonly path: string
  /** What follows the mount in it, as it was routed: the mount may move while the call is under way. */
  readonly below: string
  /** JSON text of the body, or of the query; `null` for none. */
  readonly data: string
  /** `undefined` on unauthenticated paths. */
  readonly token: Token | undefined
  /** The token as it was sent; `''` for none. */
  readonly tokenValue: string
  readonly wrapTtlMs: number
  readonly requestId: string
}

export interface RequestDeps {
  readonly leases: Leases
  readonly logIn: LogIn
  readonly backends: Backends
}

/** Carries a request to the plugin behind its mount, and its answer back, as the server would. */
export type Handle = (call: MountCall, running: Running, options: BackendCallOptions) => Promise<Outcome>

export function createHandle(deps: RequestDeps): Handle {
  return async (call, running, options) => {
    const { below: path } = call
    const isLogin = call.token === undefined
    const request = requestOf(call, path)
    const operation = call.operation === 'write' ? await writeOf(running, request, options) : call.operation
    const reply = await running.backend.handle(
      operation === request.operation ? request : { ...request, operation },
      options,
    )
    const secret = reply.response?.secret
    const shape =
      secret === undefined
        ? shaped(reply, operation, isLogin)
        : await held(deps, call, path, secret, () => shaped(reply, operation, isLogin))
    if (isOutcome(shape)) return shape
    const { data, response } = shape
    if (response === undefined) return DONE
    if (call.operation === 'help') return { bare: data ?? {} }
    if (response.auth !== undefined) return loggedIn(deps, call, running, path, response)
    if (response.secret !== undefined) return leased(deps, call, path, response, data)
    return { status: 200, data, warnings: response.warnings, wrapTtlMs: response.wrapTtlMs }
  }
}

/** What follows the mount in `path`; a list's ends in a slash, also where it is asked who may ask. */
export function pathBelow(mount: Mount, operation: Operation | 'help', path: string): string {
  const below = path.length < mount.record.path.length ? '' : path.slice(mount.record.path.length)
  const isList = operation === 'list' || operation === 'scan'
  return isList && !path.endsWith('/') && below !== '' ? `${below}/` : below
}

function requestOf(call: MountCall, path: string): BackendRequest {
  const { token, mount, operation } = call
  const { record } = mount
  return {
    id: call.requestId,
    operation: operation === 'write' ? 'update' : operation,
    path,
    data: call.data,
    clientToken: salted(call),
    clientTokenAccessor: token?.record.accessor ?? '',
    displayName: token?.record.displayName ?? '',
    mountPoint: record.path,
    mountType: record.type,
    mountAccessor: record.accessor,
    entityId: token?.record.entityId ?? '',
    unauthenticated: token === undefined,
    remoteAddress: '',
    wrapTtlMs: call.wrapTtlMs,
  }
}

function salted({ token, tokenValue, mount }: MountCall): string {
  const { uuid } = mount.record
  if (token === undefined) return saltedToken(uuid, '')
  let hash = token.salted.get(uuid)
  if (hash === undefined) {
    hash = saltedToken(uuid, tokenValue)
    token.salted.set(uuid, hash)
  }
  return hash
}

/** Create or update: only the plugin knows, and some answer to one of the two alone. */
async function writeOf(
  { backend }: Running,
  request: BackendRequest,
  options: BackendCallOptions,
): Promise<BackendOperation> {
  const { checked, exists, error } = await backend.exists(request, options)
  if (error === undefined) return checked && !exists ? 'create' : 'update'
  // The request itself fails properly then.
  if (error.kind === 'unsupported-path') return 'update'
  if (error.message === 'relative paths not supported' || error.kind === 'user') throw refuse(400, error.message)
  throw refuse(500, wrapped('internal error'))
}

/** A secret that nobody holds a lease of would live for ever: where no lease can be told, its plugin gets it back. */
async function held(
  { leases }: RequestDeps,
  call: MountCall,
  below: string,
  secret: BackendSecret,
  shape: () => Shaped | Outcome,
): Promise<Shaped | Outcome> {
  const { path, mount, token, operation } = call
  const made = { path, below, secret, mountUuid: mount.record.uuid, data: 'null' }
  const discard = (): Promise<void> => (isPassedThrough(call) ? Promise.resolve() : leases.discard(made))
  let found: Shaped | Outcome
  try {
    found = shape()
  } catch (refusal) {
    await discard()
    throw refusal
  }
  if (token === undefined || operation === 'help') await discard()
  else if (isOutcome(found)) {
    // What a raw answer says only its caller can read, so there its secret ends with the caller's token.
    const isTold = found.raw !== undefined && found.raw.status < 400
    if (isTold && !isPassedThrough(call)) await leases.create({ ...made, owner: token })
    else await discard()
  } else if (found.response?.auth !== undefined) await discard()
  return found
}

/** Are secrets of this mount told without leases? So it is with kv, behind whose secrets nothing stands. */
function isPassedThrough({ mount: { record } }: MountCall): boolean {
  return record.type === 'kv' && record.options.leased_passthrough !== 'true'
}

async function loggedIn(
  { logIn }: RequestDeps,
  { mount, path }: MountCall,
  running: Running,
  below: string,
  { auth, warnings, wrapTtlMs }: BackendResponse,
): Promise<Outcome> {
  const isLogin = mount.kind === 'auth' && running.openPaths.has(below)
  // A token out of anything but a login is nothing that a plugin may give.
  if (auth === undefined || !isLogin) throw refuse(500, wrapped('internal error'))
  const outcome = await logIn(mount, path, below, auth)
  return { ...outcome, warnings: [...warnings, ...(outcome.warnings ?? [])], wrapTtlMs }
}

async function leased(
  { leases, backends }: RequestDeps,
  call: MountCall,
  below: string,
  response: BackendResponse,
  data: JsonObject | undefined,
): Promise<Outcome> {
  const { mount, path, token } = call
  const { secret, warnings, wrapTtlMs } = response
  if (secret === undefined) return DONE
  if (isPassedThrough(call)) {
    const ttlMs = secret.ttlMs || backends.limits(mount).defaultTtlMs
    return { data, warnings, wrapTtlMs, lease: { id: '', ttlMs, renewable: false } }
  }
  if (token === undefined) throw refuse(500, 'internal error')
  const made = await leases.create({
    ...{ path, below, secret },
    mountUuid: mount.record.uuid,
    owner: token,
    data: response.data,
  })
  const { lease, ttlMs } = made
  if (token.record.usesLeft === -1)
    throw refuse(400, 'the secret is not told: it was the last use of the token, which takes its leases along')
  const told = { id: lease.id, ttlMs, renewable: lease.renewable }
  return { data, warnings: [...warnings, ...made.warnings], wrapTtlMs, lease: told }
}
