import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { foreign, minting, open, policy, readable } from './support.ts'

const PATH = 'database/creds/app'
const renewed = (ttlMs: number): ReturnType<typeof answerWith> =>
  answerWith({ leaseId: `${PATH}/1`, leaseDurationMs: ttlMs, renewable: true })

/** Open from midnight, which is when the fake clock starts, for ten minutes. */
const FIRST_MINUTES = [{ to: '00:10' }]
const policies = [policy('p', [readable(PATH, { id: 'db', when: FIRST_MINUTES })])]

test('a window is asked at each request: what was cached in it is not served out of it', async (t) => {
  const { gateway, clock, entries } = await open(t, { policies, handlers: { [`read ${PATH}`]: minting(3_600_000) } })
  assert.equal((await gateway.read(PATH)).source, 'server')
  assert.equal((await gateway.read(PATH)).source, 'cache')
  await clock.advance(599_999)
  assert.equal((await gateway.read(PATH)).decision.rule, 'db')
  await clock.advance(1)
  await assert.rejects(gateway.read(PATH), (error: { decision?: unknown; message: string }) => {
    assert.equal(
      error.message,
      `read ${PATH} denied by policy p, rule db: the rule allows it only at its times: 00:00-00:10 UTC (when)`,
    )
    return true
  })
  const { type, decision } = foreign(entries).at(-1) ?? {}
  assert.deepEqual(
    [type, decision],
    ['request', { effect: 'deny', reason: 'when', policy: 'p', rule: 'db', keyword: 'when' }],
  )
})

test('what is held lives on out of its window while it is renewed, and has no successor there', async (t) => {
  const mint = minting(300_000)
  let renewals = 0
  const { gateway, server, clock, entries } = await open(t, {
    policies,
    handlers: { [`read ${PATH}`]: mint },
    leases: { verifyAfterMs: Infinity },
  })
  server.on('write sys/leases/renew', () => {
    renewals += 1
    return renewed(clock.wallTime() < Date.UTC(2026, 0, 1, 0, 20) ? 300_000 : 1000)
  })
  const lease = await gateway.lease(PATH)
  await clock.advance(15 * 60_000)
  assert.ok(renewals > 2, `${renewals} renewals`)
  assert.deepEqual(lease.current().data, { username: 'user-1', password: 'password-1' })
  await clock.advance(15 * 60_000)
  assert.throws(() => lease.current(), { name: 'LeaseError' })
  assert.equal(mint.minted, 1)
  assert.ok(foreign(entries).some(({ decision }) => decision.reason === 'when'))
})
