import { performance } from 'node:perf_hooks'
import { UnavailableError } from '../../../examples/support/unavailable.ts'
import { HOUR_MS, type KeptLeases, keepLeases, keepSpread } from '../kept-leases.ts'
import type { Contestant, RoundLimits, Row, Sample, Settings } from '../row.ts'

const FEW = 1_000
const AT_ONCE = 64

/** What it costs to keep one lease more, and to renew one, by how many there are. */
export const rows: readonly Row[] = [
  growth('leases-insert-100k', 100_000, inserting),
  growth('leases-insert-1m', 1_000_000, inserting),
  growth('leases-renew-100k', 100_000, renewing),
  growth('leases-renew-1m', 1_000_000, renewing),
]

function growth(name: string, count: number, measured: (leases: KeptLeases, count: number) => Contestant): Row {
  const what = measured === inserting ? 'one more lease to keep' : 'one renewal, before a server that answers at once'
  const of = async (kept: number): Promise<Contestant> => {
    const leases = keepLeases({ perSecond: Infinity, max: kept + FEW })
    keepSpread(leases, kept)
    return measured(leases, kept)
  }
  return {
    name,
    title: `${what}, with ${count.toLocaleString('en-US')} kept; time each`,
    peerName: `the same with ${FEW.toLocaleString('en-US')}; the goal is the growth of log n`,
    unit: 'µs',
    goal: { relation: '<=', ratio: Math.round((100 * Math.log2(count)) / Math.log2(FEW)) / 100 },
    prepare: (_, isQuick) => notQuick(isQuick && count > 100_000, count),
    ours: () => of(count),
    peer: () => of(FEW),
  }
}

/** @throws {UnavailableError} where it is too much. */
export async function notQuick(isTooMuch: boolean, count: number): Promise<Settings> {
  if (isTooMuch) throw new UnavailableError(`${count.toLocaleString('en-US')} leases take too long for --quick`)
  return {}
}

function inserting(leases: KeptLeases): Contestant {
  return timed(async () => {
    const minted = Array.from({ length: FEW / 4 }, () => leases.minted())
    const startMs = performance.now()
    for (const kept of minted) leases.insert(kept)
    const ms = performance.now() - startMs
    for (const kept of minted) await leases.remove(kept)
    return { count: minted.length, ms }
  })
}

function renewing(leases: KeptLeases, count: number): Contestant {
  // About so many come due in it, since each is renewed after some two thirds of an hour.
  const stepMs = ((HOUR_MS * 2) / 3 / count) * AT_ONCE
  return timed(async () => {
    const before = leases.renewals()
    const startMs = performance.now()
    await leases.step(stepMs)
    return { count: leases.renewals() - before, ms: performance.now() - startMs }
  })
}

/** Repeats `act` for the length of a round; tells the time for each that it counted. */
function timed(act: () => Promise<{ readonly count: number; readonly ms: number }>): Contestant {
  return {
    async round({ forMs }: RoundLimits): Promise<Sample> {
      const endMs = performance.now() + forMs
      let [count, ms] = [0, 0]
      while (performance.now() < endMs || count === 0) {
        const did = await act()
        count += did.count
        if (did.count > 0) ms += did.ms
      }
      const us = (ms * 1000) / count
      return { value: us, cpuUs: us, p50Us: Number.NaN, p99Us: Number.NaN, rssMb: process.memoryUsage.rss() / 1e6 }
    },
    close: async () => {},
  }
}
