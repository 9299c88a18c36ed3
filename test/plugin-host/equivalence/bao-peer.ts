import type { Bao } from '../../../examples/support/bao.ts'
import { bodyOf, type Peer } from './peer.ts'

const METHODS = { read: 'GET', list: 'LIST', scan: 'SCAN', write: 'POST', patch: 'PATCH', delete: 'DELETE' } as const

/** A server over HTTP. @param mounts - Where each mount of the script is: `{ v1: 'kv1' }`. */
export function baoPeer(bao: Bao, mounts: Readonly<Record<string, string>>): Peer {
  return {
    async send({ operation, path, query, body }) {
      const slash = path.includes('/') ? path.indexOf('/') : path.length
      const mount = mounts[path.slice(0, slash)]
      if (mount === undefined) throw new RangeError(`the script uses a mount that is not there: ${path}`)
      const encoded = path.slice(slash).split('/').map(encodeURIComponent).join('/')
      const search = new URLSearchParams(query).toString()
      const { status, body: answer } = await bao.call(
        bao.rootToken,
        METHODS[operation],
        `${mount}${encoded}${search === '' ? '' : `?${search}`}`,
        body,
        operation === 'patch' ? { 'content-type': 'application/merge-patch+json' } : {},
      )
      const { data, warnings, errors, lease_id = '', lease_duration = 0, renewable = false } = answer ?? {}
      const lease = { hasId: lease_id !== '', seconds: lease_duration, renewable }
      return { status, body: bodyOf({ data, warnings, errors, lease }) }
    },
  }
}
