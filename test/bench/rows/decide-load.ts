import type { PolicyEngine } from '../../../lib/policy/engine.ts'
import { documentsOf, engineOf, numbered, SHAPES } from '../policies.ts'
import type { Row, Sample } from '../row.ts'

const COUNT = 10_000
const GOAL_MS = 500
const GOAL_BYTES = 3000

const SAMPLE: Omit<Sample, 'value'> = { cpuUs: Number.NaN, p50Us: Number.NaN, p99Us: Number.NaN, rssMb: 0 }

/** What 10,000 rules take to load, and to keep. */
export const rows: readonly Row[] = (['plus', 'tree'] as const).flatMap((shape): readonly Row[] => {
  const documents = documentsOf(numbered(COUNT, SHAPES[shape].pattern))
  const rules = `${COUNT.toLocaleString('en-US')} rules: ${SHAPES[shape].what}`
  return [
    {
      name: `decide-load-${shape}`,
      title: `loading ${rules}; CPU time`,
      peerName: `the goal, ${GOAL_MS} ms`,
      unit: 'ms',
      goal: { relation: '<=', ratio: 1 },
      ours: async () => ({
        async round(): Promise<Sample> {
          const before = process.threadCpuUsage()
          await engineOf(documents)
          const { user, system } = process.threadCpuUsage(before)
          return { ...SAMPLE, value: (user + system) / 1000, against: GOAL_MS }
        },
        close: async () => {},
      }),
    },
    {
      name: `decide-heap-${shape}`,
      title: `heap of each of ${rules}; measured once`,
      peerName: `the goal, ${GOAL_BYTES} B`,
      unit: 'B',
      goal: { relation: '<=', ratio: 1 },
      ours: async () => {
        // Whatever is loaded once is loaded before.
        await engineOf(documents.slice(0, 1))
        const value = (await bytesOf(() => engineOf(documents))) / COUNT
        return { round: async () => ({ ...SAMPLE, value, against: GOAL_BYTES }), close: async () => {} }
      },
    },
  ]
})

async function bytesOf(make: () => Promise<PolicyEngine>): Promise<number> {
  const before = used()
  const engine = await make()
  const bytes = used() - before
  if (engine.policies.length === 0) throw new Error('nothing was loaded')
  return bytes
}

function used(): number {
  if (globalThis.gc === undefined) throw new Error('the heap can be measured with --expose-gc alone')
  globalThis.gc()
  return process.memoryUsage().heapUsed
}
