import { isJsonObject, type JsonObject } from '../../../model/json.ts'
import { parseAcl, reachesInto } from '../acl.ts'
import type { Availability } from '../availability.ts'
import type { Backend, Call, FakeMount, Outcome } from '../backend.ts'
import { Refusal } from '../exchange.ts'
import type { Namespace, State } from '../state.ts'
import { createMount } from './create.ts'
import { textField } from './fields.ts'
import { onLeases } from './sys-leases.ts'
import { onWrapping } from './sys-wrapping.ts'

/** What `sys/` needs to know of the core. */
export interface SysDeps {
  /** What `token` may do on `path`, for `sys/capabilities-self`. */
  capabilities(call: Call, path: string): readonly string[]
  readonly availability: Availability
}

/** `sys/`: policies, mounts, leases, wrapping, capabilities, namespaces. Health and seal are answered before it. */
export function createSys(deps: SysDeps): Backend {
  return {
    isOpen: (rest) => rest === 'wrapping/lookup',
    handle(call, state): Outcome {
      const { rest } = call
      const namespace = state.namespaces.get(call.namespace)
      if (namespace === undefined) throw new Refusal(404, 'namespace not found')
      if (rest === 'capabilities-self') return capabilities(deps, call)
      if (rest === 'seal') return done(() => deps.availability.seal())
      if (rest === 'step-down') return done(() => deps.availability.stepDown())
      if (rest.startsWith('leases/') || /^(?:renew|revoke|revoke-prefix|revoke-force)(?:\/|$)/.test(rest))
        return onLeases(rest.replace(/^leases\//, ''), call, state)
      if (rest.startsWith('wrapping/')) return onWrapping(rest.slice('wrapping/'.length), call, state)
      if (rest === 'internal/ui/mounts') return uiMounts(call, state)
      if (rest.startsWith('internal/ui/mounts/')) return uiMount(rest.slice('internal/ui/mounts/'.length), call, state)
      return onConfiguration(rest, call, namespace, state)
    },
  }
}

function done(act: () => void): Outcome {
  act()
  return {}
}

function capabilities(deps: SysDeps, call: Call): Outcome {
  const { paths = call.data.path } = call.data
  const asked = (Array.isArray(paths) ? paths : [paths]).filter((path) => typeof path === 'string')
  if (asked.length === 0) throw new Refusal(400, 'paths must be supplied')
  const found = asked.map((path) => [path, deps.capabilities(call, path)] as const)
  const only = found.length === 1 ? { capabilities: found[0]?.[1] ?? [] } : {}
  return { data: { ...Object.fromEntries(found), ...only } }
}

/** The mounts into which the token may reach; a token that is alive is answered whatever it may do. */
function uiMounts(call: Call, state: State): Outcome {
  const mounts = state.namespaces.get(call.namespace)?.mounts.values() ?? []
  const known = [...mounts].filter(({ path }) => mayKnow(call.token, path, state))
  const kind = (isAuth: boolean): JsonObject =>
    Object.fromEntries(
      known
        .filter(({ path }) => path.startsWith('auth/') === isAuth)
        .map((mount) => [mount.path.replace(/^auth\//, ''), described(mount)]),
    )
  return { data: { auth: kind(true), secret: kind(false) } }
}

function mayKnow(token: Call['token'], path: string, state: State): boolean {
  return token !== undefined && (token.policies.includes('root') || reachesInto(state.rulesOf(token), path))
}

function uiMount(path: string, { token, namespace: name }: Call, state: State): Outcome {
  const namespace = state.namespaces.get(name)
  const mount = namespace === undefined ? undefined : state.mountOf(namespace, path)
  if (mount === undefined || !mayKnow(token, mount.path, state))
    throw new Refusal(403, 'preflight capability check returned 403')
  return { data: { ...described(mount), path: mount.path } }
}

function described({ accessor, type, options }: FakeMount): JsonObject {
  const config = { default_lease_ttl: 0, force_no_cache: false, max_lease_ttl: 0 }
  return { accessor, config, local: false, options, seal_wrap: false, type }
}

function onConfiguration(rest: string, call: Call, namespace: Namespace, state: State): Outcome {
  const [, part = '', name = ''] = /^(policies\/acl|policy|mounts|auth|namespaces)(?:\/(.+))?$/.exec(rest) ?? []
  switch (part) {
    case 'policies/acl':
    case 'policy':
      return onPolicy(name, call, namespace)
    case 'mounts':
      return onMount(name, call, namespace)
    case 'auth':
      return onMount(name === '' ? '' : `auth/${name}`, call, namespace)
    case 'namespaces':
      return onNamespace(name, call, namespace, state)
    default:
      throw new Refusal(404, 'unsupported path')
  }
}

function onPolicy(name: string, { operation, data }: Call, { policies }: Namespace): Outcome {
  if (operation === 'list' || name === '') return { data: { keys: [...policies.keys()].sort() } }
  if (operation === 'delete') policies.delete(name)
  else if (operation === 'write') {
    const text = isJsonObject(data.policy) ? JSON.stringify(data.policy) : textField(data, 'policy')
    policies.set(name, { text, rules: parseAcl(data.policy) })
  } else {
    const policy = policies.get(name)
    if (policy === undefined) throw new Refusal(404)
    return { data: { name, policy: policy.text } }
  }
  return {}
}

function onMount(name: string, { operation, data, rest }: Call, { mounts }: Namespace): Outcome {
  const isAuth = rest.startsWith('auth')
  const path = `${name.replace(/\/+$/, '')}/`
  if (operation === 'read') return listed(mounts, isAuth, name === '' ? undefined : path)
  if (operation === 'delete') mounts.delete(path)
  else if (mounts.has(path)) throw new Refusal(400, `path is already in use at ${path}`)
  else mounts.set(path, createMount(path, textField(data, 'type'), isJsonObject(data.options) ? data.options : {}))
  return {}
}

function listed(mounts: ReadonlyMap<string, FakeMount>, isAuth: boolean, only: string | undefined): Outcome {
  const wanted = [...mounts.values()].filter(({ path }) => path.startsWith('auth/') === isAuth)
  const one = wanted.find(({ path }) => path === only)
  if (only !== undefined && one === undefined) throw new Refusal(400, 'No mount at the path')
  if (one !== undefined) return { data: described(one) }
  return {
    data: Object.fromEntries(wanted.map((mount) => [mount.path.replace(/^auth\//, ''), described(mount)])),
  }
}

function onNamespace(name: string, { operation }: Call, parent: Namespace, state: State): Outcome {
  const path = parent.path === '' ? name : `${parent.path}/${name}`
  if (operation === 'write') addNamespace(state, path, parent)
  else if (operation === 'delete') state.namespaces.delete(path)
  else if (!state.namespaces.has(path)) throw new Refusal(404)
  return { data: { path: `${path}/` } }
}

/** A namespace begins with what every one has, shared: the backends of `sys/` and `auth/token/` keep nothing of their own. */
function addNamespace(state: State, path: string, parent: Namespace): void {
  if (state.namespaces.has(path)) return
  const { mounts } = state.addNamespace(path)
  for (const [at, mount] of parent.mounts) if (['sys/', 'auth/token/', 'cubbyhole/'].includes(at)) mounts.set(at, mount)
}
