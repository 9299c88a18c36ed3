import { setImmediate } from 'node:timers/promises'
import { usageOf } from './processes.ts'
import type { Contestant, RoundLimits, Sample } from './row.ts'
import { quantile } from './statistics.ts'

/** Latencies kept of a round: the last ones. A power of two. */
const KEPT = 1 << 18

/** Calls of one loop between turns of the event loop; calls that never leave the process would starve timers and sockets. */
const CALLS_A_TURN = 64

/** How calls are counted in {@link Sample.value}. */
export type Measure = 'µs' | 'req/s'

export interface Driven {
  readonly call: () => Promise<unknown>
  /** Loops that each have one call under way. */
  readonly inFlight: number
  readonly measure: Measure
  /** Other processes that work for these calls: their CPU and memory count too. Default: none. */
  readonly others?: () => readonly number[]
  /** Before each round, outside the time measured. */
  readonly reset?: () => Promise<void>
  readonly close?: () => Promise<void>
}

/** A side that makes the same call over and over. */
export function driven({ call, inFlight, measure, others = () => [], reset, close }: Driven): Contestant {
  const latencies = new Float64Array(KEPT)
  return {
    async round(limits: RoundLimits): Promise<Sample> {
      await reset?.()
      const before = usageOf(others())
      const { calls, elapsedMs, cpuUs } = await drive(call, inFlight, limits.forMs, latencies)
      const after = usageOf(others())
      const kept = latencies.subarray(0, Math.min(calls, KEPT)).sort()
      return {
        value: measure === 'µs' ? (elapsedMs * 1000) / calls : (calls * 1000) / elapsedMs,
        cpuUs: (cpuUs + after.cpuUs - before.cpuUs) / calls,
        p50Us: quantile(kept, 0.5) * 1000,
        p99Us: quantile(kept, 0.99) * 1000,
        rssMb: process.memoryUsage.rss() / 1e6 + after.rssMb,
      }
    },
    async close(): Promise<void> {
      await close?.()
    },
  }
}

async function drive(
  call: () => Promise<unknown>,
  inFlight: number,
  forMs: number,
  latencies: Float64Array,
): Promise<{ readonly calls: number; readonly elapsedMs: number; readonly cpuUs: number }> {
  let calls = 0
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  const endMs = startMs + forMs
  const loop = async (): Promise<void> => {
    let beforeMs = performance.now()
    for (let turn = 1; beforeMs < endMs; turn += 1) {
      await call()
      const afterMs = performance.now()
      latencies[calls & (KEPT - 1)] = afterMs - beforeMs
      calls += 1
      beforeMs = afterMs
      if (turn % CALLS_A_TURN === 0) {
        await setImmediate()
        beforeMs = performance.now()
      }
    }
  }
  await Promise.all(Array.from({ length: inFlight }, loop))
  const elapsedMs = performance.now() - startMs
  const { user, system } = process.cpuUsage(cpuBefore)
  return { calls, elapsedMs, cpuUs: user + system }
}
