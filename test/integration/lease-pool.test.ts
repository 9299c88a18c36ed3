import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { leasedPool } from 'portcullis/pg'
import { enableDatabase, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { openGateway, startAuditedBao } from './real.ts'

const skip = await realServersAbsent()
const PATH = 'database/creds/app'
/** The long forms: five minutes of queries, a minute of waiting. `SOAK=1 node -C portcullis-source --test THIS_FILE` */
const IS_SOAK = process.env.SOAK === '1'
const SECONDS = IS_SOAK ? 300 : 30
const A_SECOND = 200

type Credential = { readonly username: string; readonly password: string }

test(`row p: ${SECONDS} s at ${A_SECOND} queries a second on credentials of 3 s: no failed query, no dead user, none left at the end`, {
  skip,
}, async (t) => {
  const bao = await startAuditedBao(t)
  const postgres = await startPostgres(t)
  await enableDatabase(bao, postgres, { role: 'app', ttl: '3s', maxTtl: '3s' })
  const { gateway } = await openGateway(t, bao)
  const lease = await gateway.lease<Credential>(PATH)
  const pool = leasedPool(lease, { host: '127.0.0.1', port: postgres.port, database: 'postgres', max: 10 })
  const failed: unknown[] = []
  const users = new Set<unknown>()
  const queries: Promise<void>[] = []
  const query = async (): Promise<void> => {
    try {
      const { rows } = await pool.query('select current_user as me')
      users.add(rows[0]?.me)
    } catch (error) {
      failed.push(error)
    }
  }

  const startedAt = performance.now()
  for (let sent = 0; sent < SECONDS * A_SECOND; sent += 1) {
    const aheadMs = startedAt + (sent * 1000) / A_SECOND - performance.now()
    if (aheadMs > 2) await wait(aheadMs)
    queries.push(query())
  }
  await Promise.all(queries)
  await pool.end()
  await lease.close()
  await gateway.close()

  assert.deepEqual(failed, [])
  assert.ok(users.size >= SECONDS / 3, `it was rotated ${users.size} times`)
  assert.doesNotMatch(postgres.log(), /FATAL: {2}(password authentication failed|role .* does not exist)/)
  const left = await postgres.query(`select rolname from pg_roles where rolname like 'v-%'`)
  t.diagnostic(`${queries.length} queries, ${failed.length} failed, ${users.size} users, ${left.length} left`)
  assert.deepEqual(left, [])
})

/** Stands before `target`, and answers the first `times` renewals with 503 itself. */
async function failingRenewals(
  t: TestContext,
  target: string,
  times: number,
): Promise<{ address: string; failed: () => number }> {
  let failed = 0
  const proxy = createServer((incoming, outgoing) => {
    if (incoming.url === '/v1/sys/leases/renew' && failed < times) {
      failed += 1
      incoming.resume()
      outgoing.writeHead(503, { 'content-type': 'application/json' }).end('{"errors":["boom"]}')
      return
    }
    const { method = 'GET', headers, url = '' } = incoming
    const passed = request(`${target}${url}`, { method, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers)
      answer.pipe(outgoing)
    })
    incoming.pipe(passed)
  }).listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.after(() => proxy.close())
  return { address: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`, failed: () => failed }
}

test('row g: a lease whose renewal meets 503 twice is still renewed before its end', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  const postgres = await startPostgres(t)
  await enableDatabase(bao, postgres, { role: 'app', ttl: '15s', maxTtl: '1h' })
  const proxy = await failingRenewals(t, bao.address, 2)
  const { gateway } = await openGateway(t, bao, { server: { address: proxy.address } })
  const lease = await gateway.lease<Credential>(PATH)
  const { username } = lease.current().data
  const renewed = new Promise((resolve) => lease.on('renewed', resolve))

  await renewed

  assert.equal(proxy.failed(), 2)
  assert.equal(lease.generation, 1)
  assert.ok(lease.current().ttlMs > 13_000)
  assert.equal(lease.current().data.username, username)
  await lease.close()
})

test('row f: a token of 768 h is not renewed within a minute of its making, and no timer overflows', {
  skip,
}, async (t) => {
  const bao = await startAuditedBao(t)
  const { body } = await bao.root('POST', 'auth/token/create', { policies: ['root'], ttl: '768h' })
  const { token } = await import('portcullis')
  const warnings: string[] = []
  const warn = (warning: Error): void => void warnings.push(warning.name)
  process.on('warning', warn)
  t.after(() => process.off('warning', warn))
  const { gateway } = await openGateway(t, bao, { auth: token({ token: body.auth.client_token }) })

  await gateway.read('sys/mounts')
  await wait(IS_SOAK ? 60_000 : 3_000)

  assert.equal(bao.requestsOn('auth/token/renew-self').length, 0)
  assert.equal(warnings.includes('TimeoutOverflowWarning'), false)
})
