import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { Pool } from 'undici'
import { type Bao, launchBao } from '../../../examples/support/bao.ts'
import { buildPackage } from '../built-package.ts'
import { descendantsOf, processWithArgument, type Usage, usageOf } from '../processes.ts'
import type { Contestant, Row, Sample, Settings } from '../row.ts'
import type { Scope } from '../scope.ts'
import { writeService } from '../service-source.ts'

const READS = 10_000
const IDLE_MS = 5_000
const GOAL_MB = 160
const WHAT = `host and process of the built-in plugins, two mounts (kv v1 and v2), LMDB, policy and audit; after ${READS.toLocaleString('en-US')} reads, 16 at once`

/** Memory of a service with a host, all of it: plain JavaScript over the built package. */
export const rows: readonly Row[] = [
  {
    name: 'plugin-rss',
    title: `resident memory of ${WHAT}, and ${IDLE_MS / 1000} s of rest; measured once`,
    peerName: `the goal, ${GOAL_MB} MB`,
    unit: 'MB',
    goal: { relation: '<=', ratio: 1 },
    prepare,
    ours: (settings) => measuredOnce(async () => ({ value: (await ofService(settings)).rssMb, against: GOAL_MB })),
  },
  {
    name: 'plugin-rss-bao',
    title: 'the same',
    peerName: 'bao 2.7.2 (dev) with its own kv, v1 and v2, after the same reads and the same rest',
    unit: 'MB',
    goal: undefined,
    prepare,
    ours: (settings) => measuredOnce(async () => ({ value: (await ofService(settings)).rssMb })),
    peer: () => measuredOnce(async () => ({ value: (await ofBao()).rssMb })),
  },
  {
    name: 'plugin-peak-bao',
    title: `most resident memory ever of each process, summed, of ${WHAT}`,
    peerName: 'bao 2.7.2 (dev) under the same load',
    unit: 'MB',
    goal: undefined,
    prepare,
    ours: (settings) => measuredOnce(async () => ({ value: (await ofService(settings)).peakMb })),
    peer: () => measuredOnce(async () => ({ value: (await ofBao()).peakMb })),
  },
]

async function prepare(scope: Scope): Promise<Settings> {
  await buildPackage()
  return { folder: await scope.folder() }
}

/** One measurement for all rounds. */
async function measuredOnce(measure: () => Promise<Pick<Sample, 'value' | 'against'>>): Promise<Contestant> {
  const measured = await measure()
  const sample = { ...measured, cpuUs: Number.NaN, p50Us: Number.NaN, p99Us: Number.NaN, rssMb: measured.value }
  return { round: async () => sample, close: async () => {} }
}

async function ofService({ folder }: Settings): Promise<Usage> {
  const child = spawn(process.execPath, [await writeService(String(folder), READS, IDLE_MS)], {
    stdio: ['pipe', 'pipe', 'inherit'],
  })
  try {
    for await (const line of createInterface({ input: child.stdout })) {
      if (JSON.parse(line).stage === 'idle') return usageOf([child.pid ?? 0, ...descendantsOf(child.pid ?? 0)])
    }
    throw new Error('the service ended early')
  } finally {
    const ended = once(child, 'exit')
    child.stdin.end()
    await ended
  }
}

async function ofBao(): Promise<Usage> {
  const bao = await launchBao()
  try {
    await bao.root('POST', 'sys/mounts/old', { type: 'kv' })
    for (let at = 0; at < 50; at += 1) {
      await bao.root('POST', `secret/data/app/${at}`, { data: { username: 'v-token-orders', password: 'correct' } })
      await bao.root('POST', `old/app/${at}`, { username: 'v-token-orders', password: 'correct' })
    }
    await readAll(bao)
    await new Promise((resolve) => setTimeout(resolve, IDLE_MS))
    return usageOf([processWithArgument(`-dev-listen-address=${new URL(bao.address).host}`) ?? 0])
  } finally {
    await bao.stop()
  }
}

async function readAll({ address, rootToken }: Bao): Promise<void> {
  const pool = new Pool(address, { connections: 16, pipelining: 1 })
  let left = READS
  const work = async (): Promise<void> => {
    for (let at = left--; at > 0; at = left--) {
      const path = at % 2 === 0 ? `/v1/secret/data/app/${at % 50}` : `/v1/old/app/${at % 50}`
      const { body } = await pool.request({ path, method: 'GET', headers: { 'x-vault-token': rootToken } })
      await body.json()
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  await pool.close()
}
