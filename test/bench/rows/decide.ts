import { UnavailableError } from '../../../examples/support/unavailable.ts'
import type { Caller } from '../../../lib/model/caller.ts'
import type { GatewayRequest } from '../../../lib/model/request.ts'
import { createCaller } from '../../../lib/options/caller.ts'
import type { PolicyDocument, PolicyEngine } from '../../../lib/policy/engine.ts'
import { documentsOf, engineOf, FEW, numbered, readOf, SHAPES } from '../policies.ts'
import type { Contestant, Row, Sample } from '../row.ts'

/** Decisions timed in one piece: to read the clock for each would cost as much. */
const BATCH = 200

const ANYONE = createCaller({})
const REPEATED = numbered(FEW, (at) => readOf(SHAPES.exact.path(at)))
const SERVICE = createCaller({ service: 's-0' })

/** What a decision costs, by how many rules there are. */
export const rows: readonly Row[] = [
  ...(['exact', 'plus', 'prefix', 'nested', 'tree'] as const).flatMap((shape) =>
    [1_000, 10_000].map((count) =>
      compared(`decide-${shape}`, count, {
        title: `decision on a path that was not asked for before: ${SHAPES[shape].what}`,
        documents: (rules) => documentsOf(numbered(rules, SHAPES[shape].pattern)),
        asked: (at) => [ANYONE, readOf(SHAPES[shape].path(at))],
      }),
    ),
  ),
  compared('decide-again', 10_000, {
    title: 'decision on one of ten paths that were asked for before: no wildcards',
    documents: (rules) => documentsOf(numbered(rules, SHAPES.exact.pattern)),
    asked: (at) => [ANYONE, REPEATED[at % FEW] ?? readOf('kv')],
  }),
  compared('decide-caller', 10_000, {
    title: 'first decision for a new child of a caller: ten rules for each of many services',
    documents: (rules) => numbered(rules / FEW, serviceDocument),
    asked: (at) => [createCaller({ user: `u-${at}` }, SERVICE), readOf('kv/data/0/1/x')],
  }),
]

interface Compared {
  readonly title: string
  readonly documents: (rules: number) => readonly PolicyDocument[]
  readonly asked: (at: number) => readonly [Caller, GatewayRequest]
}

function compared(name: string, count: number, { title, documents, asked }: Compared): Row {
  return {
    name: `${name}-${count / 1000}k`,
    title: `${title}; ${count.toLocaleString('en-US')} rules, CPU time each`,
    peerName: `the same with ${FEW} rules`,
    unit: 'µs',
    goal: count < 10_000 ? undefined : { relation: '<=', ratio: 2 },
    prepare: async (_, isQuick) => {
      if (isQuick && count < 10_000)
        throw new UnavailableError('between ten rules and 10,000 there is nothing new to see')
      return {}
    },
    ours: async () => inTurn(await engineOf(documents(count)), await engineOf(documents(FEW)), asked),
  }
}

/** Both engines in one process, batch by batch, by the CPU time of its thread: other work on the machine slows neither. */
function inTurn(many: PolicyEngine, few: PolicyEngine, asked: Compared['asked']): Contestant {
  let at = 0
  const timed = (engine: PolicyEngine): number => {
    const requests = numbered(BATCH, (offset) => asked(at + offset))
    at += BATCH
    const before = process.threadCpuUsage()
    for (const [caller, request] of requests) engine.decide(caller, request)
    const { user, system } = process.threadCpuUsage(before)
    return user + system
  }
  return {
    async round({ forMs }): Promise<Sample> {
      const endMs = performance.now() + forMs
      let [batches, manyUs, fewUs] = [0, 0, 0]
      while (performance.now() < endMs) {
        manyUs += timed(many)
        fewUs += timed(few)
        batches += 1
      }
      const [value, against] = [manyUs / (batches * BATCH), fewUs / (batches * BATCH)]
      return {
        value,
        against,
        cpuUs: value,
        p50Us: Number.NaN,
        p99Us: Number.NaN,
        rssMb: process.memoryUsage.rss() / 1e6,
      }
    },
    close: async () => {},
  }
}

/** The policy of one of many services. */
function serviceDocument(at: number): PolicyDocument {
  const subject = { properties: { service: { const: `s-${at}` } }, required: ['service'] }
  const rules = numbered(FEW, (rule) => ({ path: `kv/data/${at}/${rule}/+`, operations: ['read'], effect: 'allow' }))
  return { file: `s-${at}.json`, document: { policy: `s-${at}`, subject, rules } }
}
