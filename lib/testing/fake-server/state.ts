import type { JsonObject } from '../../model/json.ts'
import type { Clock } from '../../ports/clock.ts'
import { type AclRule, DEFAULT_POLICY, WRAPPING_POLICY } from './acl.ts'
import type { FakeMount } from './backend.ts'
import { LeaseStore } from './leases.ts'
import { type FakeToken, TokenStore } from './tokens.ts'

/** What belongs to one namespace. */
export interface Namespace {
  readonly path: string
  readonly mounts: Map<string, FakeMount>
  readonly policies: Map<string, { readonly text: string; readonly rules: readonly AclRule[] }>
}

/** A response that waits for its wrapping token. */
export interface WrappedResponse {
  readonly creationPath: string
  readonly creationTime: string
  readonly ttlMs: number
  readonly response: JsonObject
}

/** Everything that a server remembers. */
export class State {
  readonly clock: Clock
  readonly tokens: TokenStore
  readonly leases: LeaseStore
  readonly namespaces: Map<string, Namespace> = new Map()
  /** By id of the wrapping token. */
  readonly wrapped: Map<string, WrappedResponse> = new Map()
  /** How often a credential was made at a path. */
  readonly mints: Map<string, number> = new Map()

  constructor(clock: Clock) {
    this.clock = clock
    this.tokens = new TokenStore(clock)
    this.leases = new LeaseStore(clock, this.tokens)
  }

  /** The wall clock's reading, or one `offsetMs` from it, as the wire has it. */
  time(offsetMs = 0): string {
    return timeText(this.clock.wallTime() + offsetMs)
  }

  addNamespace(path: string): Namespace {
    const namespace: Namespace = { path, mounts: new Map(), policies: new Map() }
    namespace.policies.set('default', { text: '', rules: DEFAULT_POLICY })
    namespace.policies.set('response-wrapping', { text: '', rules: WRAPPING_POLICY })
    this.namespaces.set(path, namespace)
    return namespace
  }

  /** The mount whose path is the longest that `path` begins with. */
  mountOf(namespace: Namespace, path: string): FakeMount | undefined {
    let found: FakeMount | undefined
    for (const mount of namespace.mounts.values()) {
      const isBelow = path.startsWith(mount.path) || `${path}/` === mount.path
      if (isBelow && mount.path.length > (found?.path.length ?? -1)) found = mount
    }
    return found
  }

  /** The rules of all policies of `token`. */
  rulesOf(token: FakeToken): readonly AclRule[] {
    const policies = this.namespaces.get(token.namespace)?.policies
    return token.policies.flatMap((name) => policies?.get(name)?.rules ?? [])
  }

  countMint(path: string): void {
    this.mints.set(path, (this.mints.get(path) ?? 0) + 1)
  }
}

/** A reading of the wall clock, as the wire has it. */
export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
