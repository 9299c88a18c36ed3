import type { MountTable } from './mount-table.ts'
import type { Token } from './token.ts'

/** What may be done on a mount: the servers' words, in their order. */
const ALL: readonly string[] = Object.freeze(['create', 'delete', 'list', 'patch', 'read', 'scan', 'update'])
const ROOT: readonly string[] = Object.freeze(['root'])
const DENY: readonly string[] = Object.freeze(['deny'])
const OWN: readonly string[] = Object.freeze(['create', 'read', 'update'])

/** Paths of the host's own that every token may use: about itself, its leases, and what was wrapped. */
const FOR_EVERYONE: ReadonlySet<string> = new Set([
  'sys/capabilities-self',
  'sys/leases/lookup',
  'sys/leases/renew',
  'sys/leases/revoke',
  'sys/renew',
  'sys/revoke',
  'sys/wrapping/wrap',
  'sys/wrapping/lookup',
  'sys/wrapping/unwrap',
  'sys/wrapping/rewrap',
  'auth/token/lookup-self',
  'auth/token/renew-self',
  'auth/token/revoke-self',
])

/** Ids of leases may stand in the path. */
const WITH_TAIL: readonly string[] = [
  'sys/leases/renew/',
  'sys/leases/revoke/',
  'sys/renew/',
  'sys/revoke/',
  'sys/internal/ui/mounts/',
  'cubbyhole/',
]

/** May every token use this path of the host's own? */
export function isForEveryone(path: string): boolean {
  return FOR_EVERYONE.has(path) || path === 'cubbyhole' || WITH_TAIL.some((start) => path.startsWith(start))
}

/** Paths of the host's own that need no token. */
export const WITHOUT_TOKEN: ReadonlySet<string> = new Set([
  'sys/health',
  'sys/seal-status',
  'sys/leader',
  'sys/wrapping/lookup',
])

/** May `token` use mounts at all? A login's may once a gateway has asked who holds it, since its policies decide then. */
export function mayUseMounts({ record, isDescribed }: Token): boolean {
  return record.kind !== 'caller' || isDescribed
}

/** What the host lets `token` do on `path`. What gateway policies say of it is not for the host to know. */
export function capabilitiesOn(table: MountTable, token: Token, path: string): readonly string[] {
  if (token.record.kind === 'operator') return ROOT
  const mount = table.of(path)
  if (mount === undefined) return isForEveryone(path) ? OWN : DENY
  if (mount.record.tainted || !mayUseMounts(token)) return DENY
  return mount.ready?.rootPaths.has(path.slice(mount.record.path.length)) === true ? DENY : ALL
}
