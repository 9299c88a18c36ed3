import { request } from 'undici'
import { startFixedServer } from '../fixed-server.ts'
import { auditFile, governed } from '../governed.ts'
import type { Contestant, RoundLimits, Row, Sample, Settings } from '../row.ts'
import { median, quantile } from '../statistics.ts'

const HERD = 1_000

/** A thousand callers want a secret that nobody has read yet. */
export const rows: readonly Row[] = [
  {
    name: 'herd',
    title: `${HERD} first reads at once of a credential that takes 6 ms to mint: one request; the last answer`,
    peerName: 'the first answer',
    unit: 'ms',
    goal: { relation: '<=', ratio: 2 },
    prepare: async (scope) => ({ address: await startFixedServer(scope), folder: await scope.folder() }),
    ours,
  },
]

async function ours({ address, folder }: Settings): Promise<Contestant> {
  const gateway = await governed(String(address), auditFile(`${folder}/audit.jsonl`))
  let herds = 0
  const herd = async (): Promise<Float64Array> => {
    const path = `database/creds/role-${++herds}`
    const before = await requestsOf(String(address))
    const latencies = await all(() => gateway.read(path))
    const requests = (await requestsOf(String(address))) - before
    if (requests !== 1) throw new Error(`${requests} requests reached the server for one secret`)
    return latencies
  }
  await gateway.read('database/creds/role-0')
  return {
    round: (limits) => round(limits, herd),
    close: () => gateway.close(),
  }
}

async function round({ forMs }: RoundLimits, herd: () => Promise<Float64Array>): Promise<Sample> {
  const cpuBefore = process.cpuUsage()
  const endMs = performance.now() + forMs
  const herds: Float64Array[] = []
  while (performance.now() < endMs) herds.push(await herd())
  const { user, system } = process.cpuUsage(cpuBefore)
  const of = (fraction: number): number => median(herds.map((latencies) => quantile(latencies, fraction)))
  return {
    value: of(1),
    against: of(0),
    cpuUs: (user + system) / (herds.length * HERD),
    p50Us: of(0.5) * 1000,
    p99Us: of(0.99) * 1000,
    rssMb: process.memoryUsage.rss() / 1e6,
  }
}

/** Milliseconds from the start of the herd to each of its answers, sorted. */
async function all(call: () => Promise<unknown>): Promise<Float64Array> {
  const latencies = new Float64Array(HERD)
  const startMs = performance.now()
  const timed = async (_: unknown, at: number): Promise<void> => {
    await call()
    latencies[at] = performance.now() - startMs
  }
  await Promise.all(Array.from(latencies, timed))
  return latencies.sort()
}

/** What the server has answered so far, this question left out. */
async function requestsOf(address: string): Promise<number> {
  const { body } = await request(`${address}/count`)
  return Number(await body.text())
}
