import { Pool } from 'undici'
import { emptied } from '../append.ts'
import { driven } from '../drive.ts'
import { type Driver, governedHost, hostWithGoKv, PATH, prepareGoKv, senderOf } from '../go-kv.ts'
import { descendantsOf } from '../processes.ts'
import type { Contestant, Goal, Row, Settings } from '../row.ts'

const MANY = 16

/** What of the host is asked. */
type Through = 'gateway' | 'transport'

/** Reads of a secret that a plugin of the field keeps, through our host and through a server. */
export const rows: readonly Row[] = [
  row('plugin', 'gateway', 'memory', MANY, { relation: '>=', ratio: 1.5 }),
  row('plugin-lmdb', 'gateway', 'lmdb', MANY, { relation: '>=', ratio: 1.5 }),
  row('plugin-one', 'gateway', 'memory', 1, { relation: '>=', ratio: 1.5 }),
  row('plugin-lmdb-one', 'gateway', 'lmdb', 1, { relation: '>=', ratio: 1.5 }),
  row('plugin-transport', 'transport', 'memory', MANY, undefined),
  row('plugin-transport-lmdb', 'transport', 'lmdb', MANY, undefined),
  row('plugin-transport-one', 'transport', 'memory', 1, undefined),
  row('plugin-transport-lmdb-one', 'transport', 'lmdb', 1, undefined),
]

function row(name: string, through: Through, driver: Driver, inFlight: number, goal: Goal | undefined): Row {
  const what = through === 'gateway' ? 'governed read, two audit entries to a file,' : 'read by the transport alone,'
  return {
    name,
    title: `${what} of the Go kv plugin (v2) in our host, storage ${driver}, ${inFlight} in flight; CPU and RSS: all processes`,
    peerName: 'the same program in bao 2.7.2 (dev, without audit), undici Pool.request and JSON.parse',
    unit: 'req/s',
    goal,
    prepare: prepareGoKv,
    ours: (settings) => ours(settings, through, driver, inFlight),
    peer: (settings) => peer(settings, inFlight),
  }
}

async function ours(settings: Settings, through: Through, driver: Driver, inFlight: number): Promise<Contestant> {
  const host = await hostWithGoKv(settings, driver)
  const others = (): readonly number[] => descendantsOf(process.pid)
  const shared = { inFlight, measure: 'req/s', others } as const
  if (through === 'transport') {
    const send = await senderOf(host, host.auth())
    return driven({ ...shared, call: () => send('read', PATH), close: () => host.close() })
  }
  const auditPath = `${settings.folder}/audit-${process.pid}.jsonl`
  const gateway = await governedHost(host, auditPath)
  return driven({
    ...shared,
    call: () => gateway.read(PATH),
    reset: () => emptied(auditPath),
    close: async () => {
      await gateway.close()
      await host.close()
    },
  })
}

async function peer({ address, token, pid }: Settings, inFlight: number): Promise<Contestant> {
  const pool = new Pool(String(address), { connections: inFlight, pipelining: 1 })
  const headers = { 'x-vault-token': String(token), 'x-vault-request': 'true' }
  return driven({
    async call(): Promise<unknown> {
      const { body } = await pool.request({ path: `/v1/${PATH}`, method: 'GET', headers })
      return body.json()
    },
    inFlight,
    measure: 'req/s',
    others: () => [Number(pid), ...descendantsOf(Number(pid))],
    close: () => pool.close(),
  })
}
