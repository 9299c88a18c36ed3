import type { Leases } from './leases.ts'
import type { Mount } from './mount.ts'
import { Refusal, refuse } from './refusal.ts'
import type { Tokens } from './tokens.ts'

/**
 * Ends the tokens and leases of a mount that is being removed.
 *
 * @throws {Refusal} 400 where a lease cannot be revoked: its plugin would be gone for good. An operator may drop it.
 */
export function clearMount(deps: {
  readonly leases: Leases
  readonly tokens: Tokens
}): (mount: Mount) => Promise<void> {
  const { leases, tokens } = deps
  return async ({ record }) => {
    for (const accessor of record.kind === 'auth' ? tokens.accessors() : []) {
      const token = tokens.byAccessor(accessor)
      if (token?.record.mountUuid === record.uuid) await tokens.revoke(token)
    }
    const outcomes = await Promise.allSettled(leases.ofMount(record.uuid).map((lease) => leases.revoke(lease)))
    const failed = outcomes.filter((outcome) => outcome.status === 'rejected')
    const [first] = failed
    if (first === undefined) return
    if (!(first.reason instanceof Refusal)) throw first.reason
    throw refuse(400, `failed to revoke ${failed.length} leases of ${record.path}: ${first.reason.errors[0] ?? ''}`)
  }
}
