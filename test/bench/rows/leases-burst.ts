import { graceMs } from '../../../lib/lease/renewal.ts'
import { RENEWALS_PER_SECOND } from '../../../lib/options/gateway.ts'
import { HOUR_MS, keepLeases } from '../kept-leases.ts'
import type { Contestant, Row, Sample } from '../row.ts'

const COUNT = 100_000
const STEP_MS = 100
const WINDOW_MS = 60_000

/** Leases that were all minted in one moment come due together. */
export const rows: readonly Row[] = [
  {
    name: 'leases-burst',
    title: `${COUNT.toLocaleString('en-US')} leases of an hour minted at once, on a clock moved by hand: renewals a second in the busiest minute, all before their grace or the row fails; measured once`,
    peerName: "the governor's rate and its burst, over a minute",
    unit: '/s',
    goal: { relation: '<=', ratio: 1 },
    ours,
  },
]

async function ours(): Promise<Contestant> {
  const cpuBefore = process.cpuUsage()
  const busiest = await busiestWindow()
  const { user, system } = process.cpuUsage(cpuBefore)
  // What the governor promises of a window: the burst it may have saved up, and its rate.
  const allowed = RENEWALS_PER_SECOND + (RENEWALS_PER_SECOND * WINDOW_MS) / 1000
  const perSecond = (renewals: number): number => (renewals * 1000) / WINDOW_MS
  const cpuUs = (user + system) / COUNT
  const sample: Sample = {
    ...{ value: perSecond(busiest), against: perSecond(allowed), cpuUs, p50Us: Number.NaN, p99Us: Number.NaN },
    rssMb: process.memoryUsage.rss() / 1e6,
  }
  return { round: async () => sample, close: async () => {} }
}

/** Most renewals in any window, till each lease has been renewed. @throws {Error} when one was not before its grace. */
async function busiestWindow(): Promise<number> {
  let late = 0
  const onRenewal = (leftMs: number): void => {
    if (leftMs < graceMs(HOUR_MS)) late += 1
  }
  const leases = keepLeases({ perSecond: RENEWALS_PER_SECOND, max: COUNT, onRenewal })
  for (let made = 0; made < COUNT; made += 1) leases.insert(leases.minted())
  const sums = [0]
  const last = (): number => sums.at(-1) ?? 0
  const steps = WINDOW_MS / STEP_MS
  let busiest = 0
  for (let ms = 0; ms < HOUR_MS && last() < COUNT; ms += STEP_MS) {
    await leases.step(STEP_MS)
    sums.push(leases.renewals())
    busiest = Math.max(busiest, last() - (sums.at(-1 - steps) ?? 0))
  }
  if (late > 0 || last() < COUNT)
    throw new Error(`${late} leases were renewed in their grace, ${COUNT - last()} not at all`)
  return busiest
}
