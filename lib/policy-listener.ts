import type { GatewayEmitter } from './emitter.ts'
import { PortcullisError } from './errors/index.ts'
import type { PolicyChanges } from './model/policy-changes.ts'
import type { Entries } from './pipeline/entries.ts'
import type { Holds } from './pipeline/holds.ts'
import type { PolicyListener } from './policies.ts'

interface PolicyListenerParts {
  readonly entries: Entries
  readonly emitter: GatewayEmitter
  readonly holds: Holds
  readonly nextId: () => string
}

/** Tells what becomes of reloads: the audit first, then the program; and has judged anew what callers hold. */
export function createPolicyListener({ entries, emitter, holds, nextId }: PolicyListenerParts): PolicyListener {
  return {
    async reloading(changes): Promise<void> {
      await entries.event(nextId(), { name: 'policies.reloaded', detail: detailOf(changes) })
    },
    reloaded(changes): void {
      emitter.emit('policiesReloaded', changes)
      holds.judge().catch(() => emitter.warn('what is held could not all be judged by the new policies', {}))
    },
    async refused(error): Promise<void> {
      const { code, message } = described(error)
      emitter.emit('policiesRefused', { code, message })
      // Nothing changes: an audit that fails too stops nothing here.
      await entries.event(nextId(), { name: 'policies.refused', detail: {} }, `${code}: ${message}`)?.catch(() => {})
    },
  }
}

function detailOf({
  added,
  removed,
  changed,
  rules,
  digest,
}: PolicyChanges): Readonly<Record<string, readonly string[] | string>> {
  return { added, removed, changed, rules, digest }
}

/** Messages of ours name file and pointer; those of the operating system file and reason. Neither holds a value. */
function described(error: unknown): { readonly code: string; readonly message: string } {
  if (error instanceof PortcullisError) return { code: error.code, message: error.message }
  const { code, message } = Object(error) as { readonly code?: unknown; readonly message?: unknown }
  return { code: typeof code === 'string' ? code : 'unknown', message: typeof message === 'string' ? message : '' }
}
