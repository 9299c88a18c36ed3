import { setImmediate } from 'node:timers/promises'
import { callback } from '../../../lib/audit/function-device.ts'
import { createGateway } from '../../../lib/gateway.ts'
import { file, token } from '../../../lib/index.ts'
import { emptied } from '../append.ts'
import { startFixedServer } from '../fixed-server.ts'
import { CONNECTIONS, ORDERS } from '../governed.ts'
import { HOUR_MS } from '../kept-leases.ts'
import type { Contestant, RoundLimits, Row, Sample, Settings } from '../row.ts'
import { ShiftedClock } from '../shifted-clock.ts'

const COUNT = 100_000
const GOAL_PERCENT = 2
const AT_ONCE = 200
/** The clock is put forward while writes and connections are under way. */
const PATIENT_MS = 600_000
/** A lease is renewed when two thirds of it are over, brought forward by a tenth of that at most: 0.6 to 0.667 of it. */
const FIRST_DUE_MS = 0.6 * HOUR_MS
const DUE_OVER_MS = (2 / 3 - 0.6) * HOUR_MS
const RENEWALS_A_SECOND = (COUNT * 1000) / (FIRST_DUE_MS + DUE_OVER_MS / 2)

/** What it costs to keep many leases alive, day in, day out. */
export const rows: readonly Row[] = [
  {
    name: 'leases-cpu',
    title: `share of one core that ${COUNT.toLocaleString('en-US')} leases of an hour take: computed, from the CPU time of our process for a renewal over HTTP with two audit entries to a file, measured with so many kept, times the ${RENEWALS_A_SECOND.toFixed(1)} renewals a second that they need`,
    peerName: `the goal, ${GOAL_PERCENT} %`,
    unit: '%',
    goal: { relation: '<=', ratio: 1 },
    prepare: async (scope) => ({ address: await startFixedServer(scope), folder: await scope.folder() }),
    ours,
  },
]

async function ours({ address, folder }: Settings): Promise<Contestant> {
  const clock = new ShiftedClock()
  const path = `${folder}/audit.jsonl`
  let [sent, renewed] = [0, 0]
  let failure: string | undefined
  const count = callback('count', (entry) => {
    if (entry.type === 'request' && entry.request.path === 'sys/leases/renew') sent += 1
  })
  const gateway = await createGateway(
    {
      server: { address: String(address), connections: CONNECTIONS, timeoutMs: PATIENT_MS },
      auth: token({ token: 'hvs.bench' }),
      policies: [ORDERS],
      caller: { service: 'orders', component: 'checkout' },
      audit: { devices: [file(path, { timeoutMs: PATIENT_MS }), count] },
      cache: { maxEntries: COUNT },
      // All that is due is sent: how fast it would be is for the row on bursts to show.
      leases: { max: COUNT, idleMs: Infinity, renewalsPerSecond: 1_000_000 },
    },
    { environment: {}, clock },
  )
  gateway.on('renewed', () => {
    renewed += 1
  })
  gateway.on('leaseFailing', ({ code }) => {
    failure = code
  })
  for (let at = 0; at < COUNT; at += AT_ONCE)
    await Promise.all(Array.from({ length: AT_ONCE }, (_, more) => gateway.read(`database/creds/role-${at + more}`)))
  clock.shift(FIRST_DUE_MS)
  const renewSome = async (): Promise<void> => {
    clock.shift((DUE_OVER_MS / COUNT) * AT_ONCE)
    do await setImmediate()
    while (renewed < sent && failure === undefined)
    if (failure !== undefined) throw new Error(`a renewal failed: ${failure}`)
  }
  return {
    async round({ forMs }: RoundLimits): Promise<Sample> {
      await emptied(path)
      const before = renewed
      const cpuBefore = process.cpuUsage()
      const endMs = performance.now() + forMs
      while (performance.now() < endMs || renewed === before) await renewSome()
      const { user, system } = process.cpuUsage(cpuBefore)
      const cpuUs = (user + system) / (renewed - before)
      const percent = (cpuUs * RENEWALS_A_SECOND) / 10_000
      const [p50Us, p99Us] = [Number.NaN, Number.NaN]
      return { value: percent, against: GOAL_PERCENT, cpuUs, p50Us, p99Us, rssMb: process.memoryUsage.rss() / 1e6 }
    },
    close: () => gateway.close(),
  }
}
