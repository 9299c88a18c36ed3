import type { Outcome } from '../outcome.ts'
import { unsupportedPath } from '../refusal.ts'
import type { OwnCall, OwnHandler } from './call.ts'

/** Handlers by the start of the path they answer for. */
export type OwnHandlers = readonly (readonly [start: string, handler: OwnHandler])[]

/** Does the host itself answer for `path`? */
export function isOwnPath(path: string): boolean {
  return (
    path.startsWith('sys/') ||
    path.startsWith('auth/token/') ||
    path.startsWith('cubbyhole/') ||
    path === 'sys' ||
    path === 'cubbyhole' ||
    path === 'auth/token'
  )
}

/** Answers for the paths of the host's own. The first whose start fits is asked. */
export function createOwn(handlers: OwnHandlers): (call: Omit<OwnCall, 'rest'>) => Promise<Outcome> {
  return async (call) => {
    for (const [start, handler] of handlers) {
      if (call.path === start) return handler({ ...call, rest: '' })
      if (call.path.startsWith(`${start}/`)) return handler({ ...call, rest: call.path.slice(start.length + 1) })
    }
    throw unsupportedPath()
  }
}
