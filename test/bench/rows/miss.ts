import { createRequire } from 'node:module'
import { Pool } from 'undici'
import { emptied } from '../append.ts'
import { driven } from '../drive.ts'
import { startFixedServer } from '../fixed-server.ts'
import { auditFile, CONNECTIONS, governed } from '../governed.ts'
import { installPeer } from '../peers.ts'
import type { Contestant, Row, Settings } from '../row.ts'
import type { Scope } from '../scope.ts'

const PATH = 'kv/data/orders/database'
const TOKEN = 'hvs.bench'
const IN_FLIGHT = 50
const SHARED = { unit: 'req/s', ours } as const

/** Reads that always go to the server, by 50 at once. */
export const rows: readonly Row[] = [
  {
    ...SHARED,
    name: 'miss',
    title: 'governed read of a static KV v2 secret over HTTP, two audit entries, 50 in flight',
    peerName: 'undici Pool.request and JSON.parse',
    goal: { relation: '>=', ratio: 0.8 },
    prepare: serverAndFolder,
    peer: undiciPool,
  },
  {
    ...SHARED,
    name: 'miss-node-vault',
    title: 'the same read',
    peerName: 'node-vault 0.12.0 read',
    goal: { relation: '>=', ratio: 4 },
    async prepare(scope): Promise<Settings> {
      const entry = await installPeer('node-vault', '0.12.0')
      return { ...(await serverAndFolder(scope)), entry }
    },
    peer: nodeVault,
  },
]

async function serverAndFolder(scope: Scope): Promise<Settings> {
  return { address: await startFixedServer(scope), folder: await scope.folder() }
}

async function ours({ address, folder }: Settings): Promise<Contestant> {
  const gateway = await governed(String(address), auditFile(`${folder}/audit.jsonl`))
  return driven({
    call: () => gateway.read(PATH),
    inFlight: IN_FLIGHT,
    measure: 'req/s',
    reset: () => emptied(`${folder}/audit.jsonl`),
    close: () => gateway.close(),
  })
}

async function undiciPool({ address }: Settings): Promise<Contestant> {
  const pool = new Pool(String(address), { connections: CONNECTIONS, pipelining: 1 })
  const headers = { 'x-vault-token': TOKEN, 'x-vault-request': 'true' }
  return driven({
    async call(): Promise<unknown> {
      const { body } = await pool.request({ path: `/v1/${PATH}`, method: 'GET', headers })
      return body.json()
    },
    inFlight: IN_FLIGHT,
    measure: 'req/s',
    close: () => pool.close(),
  })
}

async function nodeVault({ address, entry }: Settings): Promise<Contestant> {
  interface NodeVault {
    read(path: string): Promise<unknown>
  }
  const open = createRequire(import.meta.url)(String(entry)) as (options: object) => NodeVault
  const client = open({ endpoint: address, token: TOKEN })
  return driven({ call: () => client.read(PATH), inFlight: IN_FLIGHT, measure: 'req/s' })
}
