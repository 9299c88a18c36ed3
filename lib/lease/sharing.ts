import type { GatewayRequest } from '../model/request.ts'
import type { ServerAnswer } from '../model/server-answer.ts'

/** Mounts whose answers depend on the token, or on the moment: never kept, never shared. */
const PRIVATE_MOUNTS = ['cubbyhole/', 'auth/', 'sys/', 'identity/', 'totp/code/'] as const
const PRIVATE_TYPES: ReadonlySet<string> = new Set([
  'cubbyhole',
  'ns_cubbyhole',
  'system',
  'ns_system',
  'identity',
  'ns_identity',
  'token',
  'totp',
])

/** May the answer to `request` serve others, should it turn out to have a lease or a cache grant? Known before it is sent. */
export function mayShare(request: GatewayRequest): boolean {
  if (request.operation !== 'read' && request.operation !== 'list') return false
  if (request.wrapTtlMs > 0 || request.body !== undefined) return false
  return !PRIVATE_MOUNTS.some((mount) => request.path.startsWith(mount))
}

/** May `answer` be kept? Refuses what only looks sharable by its path: mounts of a private type elsewhere, wrapped and raw answers. */
export function mayKeep(answer: ServerAnswer): boolean {
  if (answer.status !== 200 || answer.wrapInfo !== undefined || answer.auth !== undefined) return false
  // Bytes cannot be frozen: one caller could change what the next one sees.
  if (answer.raw !== undefined) return false
  return !PRIVATE_TYPES.has(answer.mountType)
}
