import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Lease, LeaseError, PolicyDeniedError } from 'portcullis'
import { enableDatabase, type Postgres, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { type AuditedBao, openGateway, startAuditedBao } from './real.ts'

const skip = await realServersAbsent()
const PATH = 'database/creds/app'

interface World {
  readonly bao: AuditedBao
  readonly postgres: Postgres
}

/** A role whose leases live an hour. */
async function world(t: TestContext): Promise<World> {
  const bao = await startAuditedBao(t)
  const postgres = await startPostgres(t)
  await enableDatabase(bao, postgres, { role: 'app', ttl: '1h', maxTtl: '2h' })
  return { bao, postgres }
}

const ruled = (limits: object, more: object = {}): object => ({
  policy: 'app',
  rules: [{ id: 'db', path: PATH, operations: ['read'], effect: 'allow', limits, ...more }],
})

async function users({ postgres }: World): Promise<readonly string[]> {
  const rows = await postgres.query(`select rolname from pg_roles where rolname like 'v-%'`)
  return rows.map(({ rolname }) => String(rolname))
}

/** Waits for what has to come to be; how long it takes is up to the machine. */
async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let tries = 0; tries < 600; tries += 1) {
    if (await isSo()) return
    await wait(50)
  }
  assert.fail(`it did not come to be: ${what}`)
}

test('20 concurrent readers under a limit of 5 leases hold 5, and no more users than that are in the database', {
  skip,
}, async (t) => {
  const it = await world(t)
  const cache = { ttl: '1h', scope: 'caller' }
  const { gateway, entries } = await openGateway(t, it.bao, { policies: [ruled({ leases: 5 }, { cache })] })
  const readers = Array.from({ length: 20 }, (_, n) => gateway.as({ user: `u-${n}` }))

  const outcomes = await Promise.allSettled(readers.map((reader) => reader.lease(PATH)))
  const held = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  const refused = outcomes.flatMap((outcome) => (outcome.status === 'rejected' ? [outcome.reason] : []))
  assert.equal(held.length, 5)
  for (const error of refused) {
    assert.ok(error instanceof PolicyDeniedError, String(error))
    assert.deepEqual([error.decision.reason, error.decision.rule, error.temporary], ['leases', 'db', true])
    assert.ok((error.retryAfterMs ?? 0) > 3_000_000, String(error.retryAfterMs))
  }
  assert.equal(it.bao.requestsOn(PATH).length, 5)
  assert.equal(new Set(held.map((lease) => lease.current().data.username)).size, 5)
  assert.equal((await users(it)).length, 5)

  await Promise.all(held.map((lease) => lease.close()))
  assert.deepEqual(await users(it), [])
  await readers[19]?.lease(PATH)
  assert.equal((await users(it)).length, 1)
  await gateway.close()
  const denials = entries().filter(({ decision }) => decision.reason === 'leases')
  assert.equal(denials.length, 15)
  assert.ok(denials.every(({ type, decision }) => type === 'request' && decision.policy === 'app'))
})

/** The name now; `undefined` where the successor is late, which is no name that is held too long. */
function nameOf(lease: Lease): string | undefined {
  try {
    return String(lease.current().data.username)
  } catch (error) {
    assert.ok(error instanceof LeaseError && error.code === 'ERR_PORTCULLIS_LEASE_EXPIRED', String(error))
    return undefined
  }
}

/** Who `lease` is in the database, until there have been `count`; and how long each was. */
async function seen(lease: Lease, count: number): Promise<ReadonlyMap<string, number>> {
  const first = new Map<string, number>()
  const usedMs = new Map<string, number>()
  await until(`${count} generations`, async () => {
    const now = performance.now()
    const name = nameOf(lease)
    if (name === undefined) return false
    first.set(name, first.get(name) ?? now)
    usedMs.set(name, now - (first.get(name) ?? now))
    return usedMs.size >= count
  })
  return usedMs
}

test('under a maxTtl of 3 s what is held of a role of 1 h is rotated, and its users are gone from the database', {
  skip,
}, async (t) => {
  const it = await world(t)
  const { gateway } = await openGateway(t, it.bao, { policies: [ruled({ maxTtl: '3s' })] })
  const lease = await gateway.lease(PATH)
  const { username, password } = lease.current().data
  const client = await it.postgres.connect(String(username), String(password))
  await client.end()

  const usedMs = await seen(lease, 4)
  for (const [name, ms] of usedMs) assert.ok(ms <= 3_000, `${name} was held for ${ms} ms`)
  await until('all but the current one are gone', async () => (await users(it)).length <= 1)
  assert.ok(!(await users(it)).includes(String(username)))
  await assert.rejects(it.postgres.connect(String(username), String(password)))

  await lease.close()
  await until('nobody is left', async () => (await users(it)).length === 0)
})

test('under a maxTtl of 3 s what was read of a role of 1 h is gone from the database, though nobody asks again', {
  skip,
}, async (t) => {
  const it = await world(t)
  const { gateway } = await openGateway(t, it.bao, { policies: [ruled({ maxTtl: '3s' })] })
  const { data, ttlMs } = await gateway.read(PATH)
  assert.ok(ttlMs <= 3_000)
  assert.ok((await users(it)).includes(String(data.username)))
  await until('nobody is left', async () => (await users(it)).length === 0)
})
