import { PortcullisError } from '../errors/index.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import type { Exchange } from './sender.ts'

/** Ends the lease, or the token, of an answer that nobody was given. Never rejects: what cannot be ended is said through `onLeak`. */
export type Release = (exchange: Exchange, request: GatewayRequest) => Promise<void>

export interface ReleaseDeps {
  readonly exchange: OwnExchange
  readonly onLeak: (path: string, code: string) => void
}

export function createRelease({ exchange: send, onLeak }: ReleaseDeps): Release {
  return async ({ answer, token }, request) => {
    const { namespace, path } = request
    try {
      if (answer.leaseId !== '' && token !== undefined) {
        const data = { lease_id: answer.leaseId }
        await send({ operation: 'write', path: 'sys/leases/revoke', namespace, token: token.token, data })
      }
      if (answer.auth !== undefined) {
        await send({ operation: 'write', path: 'auth/token/revoke-self', namespace, token: answer.auth.token })
      }
      if (answer.wrapInfo !== undefined) {
        await send({ operation: 'write', path: 'auth/token/revoke-self', namespace, token: answer.wrapInfo.token })
      }
    } catch (error) {
      onLeak(path, error instanceof PortcullisError ? error.code : 'unknown')
    }
  }
}
