import { ServerError } from '../../../lib/errors/index.ts'
import type { Sealed } from '../../../lib/model/sealed.ts'
import type { PluginHost } from '../../../lib/plugin-host/index.ts'
import { bodyOf, type Peer } from './peer.ts'

/** A plugin host; its mounts have the names of the script. */
export function hostPeer(host: PluginHost, token: Sealed<string>): Peer {
  return {
    async send({ operation, path, query, body }) {
      try {
        const answer = await host.send(
          {
            ...{ operation, path, query, token, namespace: '', wrapTtlMs: 0, requestId: 'script', repeatable: false },
            body: body === undefined ? undefined : JSON.stringify(body),
          },
          { timeoutMs: 30_000 },
        )
        const { status, data, warnings, leaseId, leaseDurationMs, renewable } = answer
        const lease = { hasId: leaseId !== '', seconds: leaseDurationMs / 1000, renewable }
        return { status, body: bodyOf({ data, warnings, errors: undefined, lease }) }
      } catch (error) {
        if (!(error instanceof ServerError) || error.status === undefined) throw error
        return { status: error.status, body: errorsOf(error.serverErrors()) }
      }
    },
  }
}

function errorsOf(errors: readonly string[]): { readonly errors?: readonly string[] } {
  return errors.length === 0 ? {} : { errors }
}
