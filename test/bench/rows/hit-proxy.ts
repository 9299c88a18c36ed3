import { Pool } from 'undici'
import { emptied } from '../append.ts'
import { startBaoProxy } from '../bao-proxy.ts'
import { driven } from '../drive.ts'
import { auditFile, governed } from '../governed.ts'
import type { Contestant, Row, Settings } from '../row.ts'

const IN_FLIGHT = 32

/** The cache that the field has: a proxy process in front of the server, spoken to over HTTP. */
export const rows: readonly Row[] = [
  {
    name: 'hit-proxy',
    title: `governed read of a kept secret in process, one audit entry, ${IN_FLIGHT} in flight, leased by a real server`,
    peerName: `bao proxy 2.7.2 with cache and auto-auth, ${IN_FLIGHT} kept connections (CPU and RSS: of the client alone)`,
    unit: 'req/s',
    goal: { relation: '>=', ratio: 4 },
    async prepare(scope): Promise<Settings> {
      const started = await startBaoProxy(scope)
      return { ...started, folder: await scope.folder() }
    },
    ours,
    peer,
  },
]

async function ours({ server, token, folder }: Settings): Promise<Contestant> {
  const gateway = await governed(String(server), auditFile(`${folder}/audit.jsonl`), String(token))
  return driven({
    call: () => gateway.read('secret/orders'),
    inFlight: IN_FLIGHT,
    measure: 'req/s',
    reset: () => emptied(`${folder}/audit.jsonl`),
    close: () => gateway.close(),
  })
}

async function peer({ proxy }: Settings): Promise<Contestant> {
  const pool = new Pool(String(proxy), { connections: IN_FLIGHT, pipelining: 1 })
  return driven({
    async call(): Promise<unknown> {
      const { body } = await pool.request({ path: '/v1/secret/orders', method: 'GET' })
      return body.json()
    },
    inFlight: IN_FLIGHT,
    measure: 'req/s',
    close: () => pool.close(),
  })
}
