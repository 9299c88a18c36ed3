import type { Caller } from '../model/caller.ts'
import type { JsonObject } from '../model/json.ts'
import type { Capability, MissingCapability, MissingOwn, Preflight } from '../model/preflight.ts'
import type { Sealed } from '../model/sealed.ts'
import type { PolicyEngine, RulePromise } from '../policy/engine.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import type { Identity } from './call.ts'

export interface PreflightDeps {
  readonly policy: PolicyEngine
  readonly exchange: OwnExchange
  /** The configured namespace, in which the gateway's own calls are made. */
  readonly namespace: string
  /** A server policy in HCL. */
  readonly printAcl: (
    paths: readonly { readonly path: string; readonly capabilities: readonly Capability[] }[],
  ) => string
}

/** Compares what the policies promise a caller with what its token may, asking once for each namespace and 500 paths. */
export type RunPreflight = (caller: Caller, identity: Identity) => Promise<Preflight>

/** Paths asked about at once. */
const BATCH = 500

/** What the gateway asks of the server for itself. The server's `default` policy grants all but the last. */
const OWN: readonly MissingOwn[] = [
  ['auth/token/lookup-self', 'read', 'a token in doubt cannot be looked up'],
  ['auth/token/renew-self', 'update', 'the token is not renewed, and a login replaces it'],
  ['auth/token/revoke-self', 'update', 'close() leaves the token, and its leases, to lapse'],
  ['sys/leases/lookup', 'update', 'a lease in use is not verified, and one revoked elsewhere is served to its end'],
  ['sys/leases/renew', 'update', 'leases are not renewed, and are rotated instead'],
  ['sys/leases/revoke', 'update', 'a lease that is given back lives on until its token ends'],
].map(([path = '', capability, what = '']) => ({ path, capability: capability as Capability, what }))

export function createPreflight({ policy, exchange, namespace, printAcl }: PreflightDeps): RunPreflight {
  return async (caller, identity) => {
    const { token } = await identity.session.current()
    const wanted = gathered(policy.promises(caller))
    const ask = (where: string, paths: readonly string[]): Promise<ReadonlyMap<string, readonly string[]>> =>
      granted(exchange, token, where, paths)
    const missing: MissingCapability[] = []
    for (const [where, promises] of byNamespace(wanted)) {
      const grants = await ask(
        where,
        promises.map(({ path }) => path),
      )
      missing.push(...promises.flatMap((promise) => lack(promise, grants.get(promise.path) ?? [])))
    }
    const grants = await ask(
      namespace,
      OWN.map(({ path }) => path),
    )
    const own = OWN.filter(({ path, capability }) => !has(grants.get(path) ?? [], capability))
    const paths = wanted.length
    return Object.freeze({ ok: missing.length === 0, paths, missing, own, hcl: hclFor(missing, printAcl) })
  }
}

interface Wanted {
  readonly namespace: string
  readonly path: string
  readonly capabilities: Set<Capability>
  /** Some rule is content with anything. */
  readonly rules: string[]
}

/** Promises at one path, together. */
function gathered(promises: readonly RulePromise[]): readonly Wanted[] {
  const found = new Map<string, Wanted>()
  for (const { namespace, path, capabilities, policy, rule } of promises) {
    const key = JSON.stringify([namespace, path])
    const wanted = found.get(key) ?? { namespace, path, capabilities: new Set(), rules: [] }
    found.set(key, wanted)
    for (const each of capabilities === 'any' ? [] : capabilities) wanted.capabilities.add(each)
    wanted.rules.push(`${policy}/${rule}`)
  }
  return [...found.values()]
}

function byNamespace(wanted: readonly Wanted[]): ReadonlyMap<string, readonly Wanted[]> {
  return Map.groupBy(wanted, ({ namespace }) => namespace)
}

function lack(
  { namespace, path, capabilities, rules }: Wanted,
  granted: readonly string[],
): readonly MissingCapability[] {
  // Nothing at all is less than whatever a rule that says `*` is content with.
  const isDenied = granted.length === 0 || granted.includes('deny')
  const missing = [...capabilities].filter((each) => !has(granted, each))
  if (missing.length === 0 && !(isDenied && capabilities.size === 0)) return []
  const lacking = missing.length > 0 ? missing : (['read'] as const)
  return [{ namespace, path, missing: lacking, granted: granted.filter((each) => each !== 'deny'), rules }]
}

function has(granted: readonly string[], capability: Capability): boolean {
  return granted.includes('root') || (granted.includes(capability) && !granted.includes('deny'))
}

/**
 * What the token is granted at each path: patterns are asked for as they are, and are granted by what is as wide.
 *
 * @throws {ServerError} as the exchange does.
 */
async function granted(
  exchange: OwnExchange,
  token: Sealed<string>,
  namespace: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, readonly string[]>> {
  const found = new Map<string, readonly string[]>()
  for (let at = 0; at < paths.length; at += BATCH) {
    const asked = paths.slice(at, at + BATCH)
    const call = {
      operation: 'write',
      path: 'sys/capabilities-self',
      data: { paths: asked },
      namespace,
      token,
    } as const
    const { data = {} } = await exchange(call)
    for (const path of asked) found.set(path, namesIn(data, path))
  }
  return found
}

function namesIn(data: JsonObject, path: string): readonly string[] {
  const names = Object.hasOwn(data, path) ? data[path] : data.capabilities
  return Array.isArray(names) ? names.filter((name) => typeof name === 'string') : []
}

/** What is granted already stands there too: a stanza at a path takes the place of wider ones. */
function hclFor(missing: readonly MissingCapability[], printAcl: PreflightDeps['printAcl']): Preflight['hcl'] {
  const texts: Record<string, string> = {}
  for (const [namespace, here] of Map.groupBy(missing, (each) => each.namespace)) {
    texts[namespace] = printAcl(
      here.map(({ path, missing: lacking, granted: have }) => ({
        path,
        capabilities: [...lacking, ...(have as Capability[])],
      })),
    )
  }
  return texts
}
