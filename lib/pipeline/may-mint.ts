import type { GatewayRequest } from '../model/request.ts'
import type { Mount } from './mounts.ts'

/** Types of mounts where a read makes nothing: what is stored, and what works on keys. */
const STATIC_TYPES: ReadonlySet<string> = new Set([
  ...['kv', 'cubbyhole', 'ns_cubbyhole', 'identity', 'ns_identity', 'system', 'ns_system', 'token'],
  ...['pki', 'ssh', 'totp', 'transform', 'transit'],
])

/** Types of mounts where a write makes nothing that has a lease, either. */
const LEASELESS_TYPES: ReadonlySet<string> = new Set(['kv', 'transit'])

/** May the server answer with a lease? A mount of unknown type may. */
export function mayMint({ path: mountPath, type }: Mount, { operation, path }: GatewayRequest): boolean {
  if (operation === 'list') return false
  if (operation !== 'read') return !LEASELESS_TYPES.has(type)
  // Beside credentials it reads roles, connections, and the passwords of static roles.
  if (type === 'database') return !path.startsWith(mountPath) || path.startsWith('creds/', mountPath.length)
  return !STATIC_TYPES.has(type)
}
