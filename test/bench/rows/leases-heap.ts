import { callback } from '../../../lib/audit/function-device.ts'
import { createGateway } from '../../../lib/gateway.ts'
import { seal } from '../../../lib/model/sealed.ts'
import type { ServerAnswer } from '../../../lib/model/server-answer.ts'
import type { AuthMethod } from '../../../lib/ports/auth-method.ts'
import type { Transport } from '../../../lib/ports/transport.ts'
import { ORDERS } from '../governed.ts'
import { HOUR_MS } from '../kept-leases.ts'
import type { Contestant, Row, Sample } from '../row.ts'
import { notQuick } from './leases.ts'

const GOAL_BYTES = 700
/** Reads before the first figure, so that compiled code and memos are not counted as leases. */
const WARM_UP = 2_000

/** Heap of leases that were read once through a gateway, each on a path of its own, less the heap of the answers themselves. */
export const rows: readonly Row[] = [heap('1k', 1_000), heap('100k', 100_000), heap('1m', 1_000_000 - WARM_UP)]

function heap(size: string, count: number): Row {
  return {
    name: `leases-heap-${size}`,
    title: `heap of each of ${count.toLocaleString('en-US')} leases kept by a gateway, beyond its value; measured once`,
    peerName: `the goal, ${GOAL_BYTES} B`,
    unit: 'B',
    goal: { relation: '<=', ratio: 1 },
    prepare: (_, isQuick) => notQuick(isQuick && count > 100_000, count),
    ours: () => measured(count),
  }
}

async function measured(count: number): Promise<Contestant> {
  const value = bytesOf(() => Array.from({ length: count }, (_, at) => answerTo(pathOf(at)))) / count - POINTER
  const startMs = performance.now()
  const beyond = (await bytesKept(count)) / count - value
  const us = ((performance.now() - startMs) * 1000) / count
  const [p50Us, p99Us] = [Number.NaN, Number.NaN]
  const sample: Sample = { value: beyond, against: GOAL_BYTES, cpuUs: us, p50Us, p99Us, rssMb: 0 }
  return {
    round: async () => ({ ...sample, rssMb: process.memoryUsage.rss() / 1e6 }),
    close: async () => {},
  }
}

/** Of the list that holds the answers. */
const POINTER = 8

function bytesOf(make: () => unknown): number {
  const before = used()
  const made = make()
  const bytes = used() - before
  if (made === undefined) throw new Error('nothing was made')
  return bytes
}

/** What `count` leases add to a gateway, the cache's own lists included. */
async function bytesKept(count: number): Promise<number> {
  const warm = await open(WARM_UP)
  for (let at = 0; at < WARM_UP; at += 1) await warm.read(pathOf(at))
  await warm.close()
  const before = used()
  const gateway = await open(count)
  for (let at = 0; at < count; at += 1) await gateway.read(pathOf(at))
  const bytes = used() - before
  const { source } = await gateway.read(pathOf(0))
  if (source !== 'cache') throw new Error('a lease was not kept')
  return bytes
}

/** Buffers count too: the cache keeps its order in some. */
function used(): number {
  if (globalThis.gc === undefined) throw new Error('the heap can be measured with --expose-gc alone')
  globalThis.gc()
  globalThis.gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

function open(count: number): ReturnType<typeof createGateway> {
  return createGateway(
    {
      server: TRANSPORT,
      auth: AUTH,
      policies: [ORDERS],
      caller: { service: 'orders', component: 'checkout' },
      audit: { devices: [callback('none', () => {})] },
      cache: { maxEntries: count },
      leases: { max: count, idleMs: Infinity },
    },
    { environment: {} },
  )
}

const pathOf = (at: number): string => ['database', 'creds', `role-${at}`].join('/')

/** As the HTTP driver makes it of what a database engine sends. */
function answerTo(path: string): ServerAnswer {
  const id = crypto.randomUUID()
  const text = JSON.stringify({
    request_id: id,
    lease_id: `${path}/${id.slice(0, 24)}`,
    data: { username: `v-approle-orders-${id.slice(0, 20)}-1700000000`, password: `A1a-${id.slice(0, 16)}` },
    mount_type: 'database',
  })
  const { request_id: requestId, lease_id: leaseId, data, mount_type: mountType } = JSON.parse(text)
  return {
    status: 200,
    ...{ requestId, leaseId, leaseDurationMs: HOUR_MS, renewable: true, data: Object.freeze(data) },
    ...{ warnings: [], wrapInfo: undefined, auth: undefined, raw: undefined, mountType },
  }
}

const TRANSPORT: Transport = { address: 'bench:', send: async ({ path }) => answerTo(path), close: async () => {} }

const AUTH: AuthMethod = {
  method: 'bench',
  login: async () => ({
    owned: false,
    grant: {
      ...{ token: seal('hvs.bench'), accessor: seal('accessor'), ttlMs: Infinity, renewable: false, policies: [] },
      ...{ tokenType: 'service', orphan: true, numUses: 0, mfaRequired: false },
    },
  }),
}
