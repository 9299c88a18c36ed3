import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import test, { type TestContext } from 'node:test'
import { token } from 'portcullis'
import { enableDatabase, type Postgres, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { type AuditedBao, allowing, openGateway, startAuditedBao } from './real.ts'

const skip = await realServersAbsent()

async function startDatabase(t: TestContext): Promise<{ readonly bao: AuditedBao; readonly postgres: Postgres }> {
  const bao = await startAuditedBao(t)
  const postgres = await startPostgres(t)
  await enableDatabase(bao, postgres, { role: 'app', ttl: '1h' })
  return { bao, postgres }
}

async function leasesOn(bao: AuditedBao, path: string): Promise<number> {
  const { body } = await bao.call(bao.rootToken, 'GET', `sys/leases/lookup/${path}?list=true`)
  return body?.data?.keys?.length ?? 0
}

function traceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`
}

test('row a: 3,000 reads of one dynamic secret, each with its own traceparent, leave 1 lease on the server', {
  skip,
}, async (t) => {
  const { bao, postgres } = await startDatabase(t)
  const { gateway, entries } = await openGateway(t, bao, { policies: [allowing(['database/creds/app'])] })

  const users = new Set<unknown>()
  for (let i = 0; i < 3_000; i += 1) {
    const { data } = await gateway.read('database/creds/app', { traceparent: traceparent() })
    users.add(data.username)
  }

  assert.equal(users.size, 1)
  assert.equal(await leasesOn(bao, 'database/creds/app'), 1)
  assert.equal(bao.requestsOn('database/creds/app').length, 1)
  const [{ count }] = (await postgres.query(
    `select count(*)::int as count from pg_roles where rolname like 'v-%'`,
  )) as [{ count: number }]
  assert.equal(count, 1)
  const answered = entries().filter(({ type, request }) => type === 'response' && request.path === 'database/creds/app')
  assert.equal(answered.length, 3_000)
  assert.equal(new Set(answered.map(({ trace }) => trace?.trace_id)).size, 3_000)
})

test('row b: 50 concurrent first reads send 1 request, are decided and audited 50 times, and an abort ends only its own', {
  skip,
}, async (t) => {
  const { bao } = await startDatabase(t)
  const { gateway, entries } = await openGateway(t, bao, { policies: [allowing(['database/creds/app'])] })
  const callers = Array.from({ length: 50 }, (_, i) => gateway.as({ user: `u-${i}` }))
  const leader = new AbortController()
  const follower = new AbortController()

  const reads = callers.map((caller, i) => {
    const signal = i === 0 ? leader.signal : i === 7 ? follower.signal : undefined
    return caller.read('database/creds/app', signal === undefined ? {} : { signal })
  })
  const settled = Promise.allSettled(reads)
  leader.abort()
  follower.abort()
  const results = await settled

  const refused = results.flatMap((result, i) => (result.status === 'rejected' ? [i] : []))
  assert.deepEqual(refused, [0, 7])
  const users = new Set(
    results.map((result) => (result.status === 'fulfilled' ? result.value.data.username : undefined)),
  )
  users.delete(undefined)
  assert.equal(users.size, 1)
  assert.equal(bao.requestsOn('database/creds/app').length, 1)
  assert.equal(await leasesOn(bao, 'database/creds/app'), 1)
  await gateway.close()
  const answered = entries().filter(({ type, request }) => type === 'response' && request.path === 'database/creds/app')
  assert.equal(new Set(answered.map(({ caller }) => caller.user)).size, 50)
  assert.ok(answered.every(({ decision }) => decision.effect === 'allow' && decision.policy === 'test'))
})

test('a credential from the cache logs into the database, and its true time left shrinks', { skip }, async (t) => {
  const { bao, postgres } = await startDatabase(t)
  const { gateway } = await openGateway(t, bao)

  const first = await gateway.database().credentials('app')
  const second = await gateway.database().credentials('app')

  assert.equal(first.answer.source, 'server')
  assert.equal(second.answer.source, 'cache')
  assert.ok(second.answer.ttlMs <= first.answer.ttlMs && second.answer.ttlMs > 3_500_000)
  const client = await postgres.connect(second.username, second.password)
  t.after(() => client.end())
  const { rows } = await client.query('select current_user as me')
  assert.equal(rows[0].me, first.username)
})

test('a lease of 2 s is not served past its end: the next read gets a new user that works', { skip }, async (t) => {
  const { bao, postgres } = await startDatabase(t)
  await enableDatabase(bao, postgres, { role: 'brief', ttl: '2s', maxTtl: '2s' })
  const { gateway } = await openGateway(t, bao)

  const first = await gateway.database().credentials('brief')
  await new Promise((resolve) => setTimeout(resolve, 2_050))
  const second = await gateway.database().credentials('brief')

  assert.notEqual(second.username, first.username)
  assert.equal(second.answer.source, 'server')
  const client = await postgres.connect(second.username, second.password)
  await client.end()
})

test('a lease ends with the token that minted it, and its time left says so', { skip }, async (t) => {
  const { bao } = await startDatabase(t)
  const { body } = await bao.root('POST', 'auth/token/create', {
    policies: ['root'],
    ttl: '30s',
    explicit_max_ttl: '30s',
  })
  const { gateway } = await openGateway(t, bao, { auth: token({ token: body.auth.client_token }) })

  const { answer } = await gateway.database().credentials('app')

  assert.ok(answer.ttlMs <= 30_000, `told ${answer.ttlMs} ms`)
})
