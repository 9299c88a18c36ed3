import { BoundedMap } from '../model/bounded-map.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { Clock } from '../ports/clock.ts'
import { mayMint } from './may-mint.ts'
import type { Mounts } from './mounts.ts'

/** Tells whether the server may answer a request with a lease, by the mount that serves it. */
export interface Minting {
  /** From what is known already; `undefined` where nothing is. */
  known(request: GatewayRequest): boolean | undefined
  /** Asked of the server where it is not known; what nobody knows may mint. Never rejects. */
  ask(request: GatewayRequest): Promise<boolean>
}

export interface MintingDeps {
  readonly mounts: Mounts
  readonly clock: Clock
}

/** Paths of which nobody knows, remembered. */
const PATHS = 10_000
/** How long a mount that could not be found out is not asked after again: a loop must not become one of look-ups. */
const UNKNOWN_MS = 10_000

/** What stands here is the server's own, and has no leases; tokens have, and their answers do not tell. */
const LEASELESS = ['sys/', 'auth/', 'identity/', 'cubbyhole/']

export function createMinting({ mounts, clock }: MintingDeps): Minting {
  const unknownUntilMs = new BoundedMap<number>(PATHS)
  return {
    known(request): boolean | undefined {
      if (request.operation === 'list' || LEASELESS.some((prefix) => request.path.startsWith(prefix))) return false
      const mount = mounts.known(request.namespace, request.path)
      return mount === undefined ? undefined : mayMint(mount, request)
    },
    async ask(request): Promise<boolean> {
      const { namespace, operation, path } = request
      if (operation === 'list') return false
      const key = `${namespace}|${path}`
      if (clock.now() < (unknownUntilMs.get(key) ?? 0)) return true
      try {
        return mayMint(await mounts.of(namespace, path), request)
      } catch {
        unknownUntilMs.set(key, clock.now() + UNKNOWN_MS)
        return true
      }
    },
  }
}
