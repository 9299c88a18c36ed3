import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { FakeClock } from '../../lib/testing/fake-clock.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { allow, type Handler, minting, type Opened, open } from '../pipeline/support.ts'

const PATH = 'database/creds/app'
const REVOKE = 'write sys/leases/revoke'
const LOOKUP = 'write sys/leases/lookup'

/** A role of 60 s whose renewals bring it to a rotation. */
async function world(t: TestContext, handlers: Readonly<Record<string, Handler>> = {}): Promise<Opened> {
  return open(t, {
    policies: [allow('*', ['read', 'write'])],
    handlers: {
      [`read ${PATH}`]: minting(60_000),
      'write sys/leases/renew': answerWith({ leaseId: 'same', leaseDurationMs: 10_000, renewable: true }),
      [REVOKE]: answerWith({ status: 204 }),
      ...handlers,
    },
    leases: { verifyAfterMs: Infinity },
  })
}

async function until(clock: FakeClock, isSo: () => boolean): Promise<void> {
  for (let i = 0; i < 600 && !isSo(); i += 1) await clock.advance(100)
  assert.ok(isSo())
}

test('holders share one lease, and the last of them to close releases it; closing twice counts once', async (t) => {
  const { gateway, server } = await world(t)
  const [first, second] = await Promise.all([gateway.lease(PATH), gateway.lease(PATH)])
  assert.equal(server.count(`read ${PATH}`), 1)
  await Promise.all([first.close(), first.close()])
  assert.equal(server.count(REVOKE), 0)
  assert.throws(() => first.current(), { code: 'ERR_PORTCULLIS_LEASE_RELEASED' })
  assert.equal(second.current().data.username, 'user-1')
  await second.close()
  assert.equal(server.count(REVOKE), 1)
})

test('all holders prepare before any commits; where one refuses, the others are told to abandon', async (t) => {
  const { gateway, clock } = await world(t)
  const [first, second] = [await gateway.lease(PATH), await gateway.lease(PATH)]
  const steps: string[] = []
  let refusals = 1
  first.onRotate({
    prepare: ({ data }) => void steps.push(`1 prepares ${data.username}`),
    abandon: ({ data }) => void steps.push(`1 abandons ${data.username}`),
    commit: ({ data }) => void steps.push(`1 leaves ${data.username}`),
  })
  second.onRotate({
    prepare({ data }) {
      steps.push(`2 prepares ${data.username}`)
      refusals -= 1
      if (refusals >= 0) throw new Error('no')
    },
    commit: ({ data }) => void steps.push(`2 leaves ${data.username}`),
  })
  await until(clock, () => first.generation === 2)
  assert.deepEqual(steps, [
    '1 prepares user-2',
    '2 prepares user-2',
    '1 abandons user-2',
    '1 prepares user-3',
    '2 prepares user-3',
    '1 leaves user-1',
    '2 leaves user-1',
  ])
})

test('listeners that throw, or reject, break nothing and are no unhandled rejection', async (t) => {
  const { gateway, clock } = await world(t)
  const lease = await gateway.lease(PATH)
  const seen: string[] = []
  for (const event of ['renewed', 'rotated', 'failing', 'ended'] as const) {
    lease.on(event, () => {
      throw new Error('thrown')
    })
    lease.on(event, async () => {
      seen.push(event)
      throw new Error('rejected')
    })
  }
  lease.onRotate({
    abandon: () => {
      throw new Error('thrown')
    },
    commit: () => Promise.reject(new Error('rejected')),
  })
  await until(clock, () => lease.generation === 2)
  await lease.close()
  assert.deepEqual(
    [...new Set(seen)].sort(),
    ['ended', 'renewed', 'rotated'].filter((each) => seen.includes(each)),
  )
  assert.ok(seen.includes('renewed') && seen.includes('rotated'))
})

test('doubted by many, a living value is looked up once and stays; a dead one is replaced when they may try again', async (t) => {
  let isDead = false
  const dead = refuse(400) as Handler
  const { gateway, server } = await world(t, {
    [LOOKUP]: (request, options) => (isDead ? dead(request, options) : answerWith({ data: { ttl: 60 } })),
  })
  const lease = await gateway.lease(PATH)
  await Promise.all(Array.from({ length: 20 }, () => lease.doubt(1)))
  assert.equal(server.count(LOOKUP), 1)
  assert.equal(lease.current().data.username, 'user-1')
  isDead = true
  const doubts = Promise.all(Array.from({ length: 20 }, () => lease.doubt(1)))
  await new Promise(setImmediate)
  assert.throws(() => lease.current(), { code: 'ERR_PORTCULLIS_LEASE_REVOKED' })
  await lease.close()
  await doubts
  assert.equal(server.count(LOOKUP), 2)
})

test('a doubt about an older value says nothing about this one', async (t) => {
  const { gateway, clock, server } = await world(t)
  const lease = await gateway.lease(PATH)
  await until(clock, () => lease.generation === 2)
  await lease.doubt(1)
  assert.equal(server.count(LOOKUP), 0)
})
