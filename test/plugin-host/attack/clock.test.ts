import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendReply } from '../../../lib/model/backend.ts'
import { seal, unseal } from '../../../lib/model/sealed.ts'
import { authOf, type Script, said, secretOf } from '../router/scripted-plugins.ts'
import { world } from '../router/world.ts'

const MINUTE = 60_000
const YEAR = 365 * 86_400_000
const MOUNTS = { mounts: { tf: { type: 'tf', defaultLeaseTtlMs: 10 * MINUTE, maxLeaseTtlMs: 60 * MINUTE } } }

function creds(): Script {
  return { handle: ({ operation }) => (operation === 'revoke' ? {} : said({}, { secret: secretOf() })) }
}

test('a wall clock that is set back lengthens no lease past its max, however often it is renewed', async (t) => {
  const it = await world(t, { tf: creds() }, MOUNTS)
  const { leaseId } = await it.ask('read', 'tf/creds')
  it.clock.jumpWall(-YEAR)
  const renew = { data: { lease_id: leaseId, increment: '50m' } }
  for (let at = 0; at < 6; at += 1) {
    await it.ask('write', 'sys/leases/renew', renew).catch(() => undefined)
    await it.clock.advance(9 * MINUTE)
  }
  await it.clock.advance(7 * MINUTE)
  assert.equal(it.plugins.of('revoke').length, 1)
})

test('a wall clock that is set back while the host is down gives no lease and no token more than it was granted', async (t) => {
  const door: Script = {
    type: 'auth',
    specialPaths: { unauthenticated: ['login'] },
    handle: () => said(null, { auth: authOf({ ttlMs: 10 * MINUTE }) }),
  }
  const it = await world(t, { tf: creds(), door }, { ...MOUNTS, auths: { door: { type: 'door' } } })
  await it.ask('read', 'tf/creds')
  const { auth } = await it.ask('write', 'auth/door/login', { token: 'none', data: {} })
  assert.ok(await it.host.describe(auth?.token as never))
  it.clock.jumpWall(-YEAR)
  await it.restart()
  await it.clock.advance(11 * MINUTE)
  assert.equal(it.plugins.of('revoke').length, 1)
  assert.equal(await it.host.describe(auth?.token as never), undefined)
})

test('a wall clock that is set forward ends nothing before its time while the host runs', async (t) => {
  const it = await world(t, { tf: creds() }, MOUNTS)
  const { leaseId } = await it.ask('read', 'tf/creds')
  it.clock.jumpWall(YEAR)
  await it.clock.advance(9 * MINUTE)
  assert.equal(it.plugins.of('revoke').length, 0)
  assert.deepEqual(it.host.operator.leases(), [leaseId])
  await it.clock.advance(2 * MINUTE)
  assert.equal(it.plugins.of('revoke').length, 1)
})

test('a renewal that is answered while its lease is revoked does not tell that it lives', async (t) => {
  const revocation = Promise.withResolvers<void>()
  const tf: Script = {
    async handle({ operation }): Promise<BackendReply> {
      if (operation !== 'revoke') return said({}, { secret: secretOf() })
      await revocation.promise
      return {}
    },
  }
  const it = await world(t, { tf }, MOUNTS)
  const { leaseId } = await it.ask('read', 'tf/creds')
  const revoked = it.ask('write', 'sys/leases/revoke', { data: { lease_id: leaseId, sync: true } })
  await it.clock.advance(0)
  assert.match(await it.refusal('write', 'sys/leases/renew', { data: { lease_id: leaseId } }), /^400: /)
  revocation.resolve()
  await revoked
  await it.restart()
  assert.deepEqual(it.host.operator.leases(), [])
})

const BATCH_DOOR: Script = {
  type: 'auth',
  specialPaths: { unauthenticated: ['login'] },
  handle: () => said(null, { auth: authOf({ ttlMs: 10 * MINUTE, tokenType: 'batch' }) }),
}

/** A host with a batch token of ten minutes; was it told who holds it? */
async function withBatchToken(t: Parameters<typeof world>[0], isDescribed: boolean) {
  const it = await world(t, { door: BATCH_DOOR }, { auths: { door: { type: 'door' } } })
  const { auth } = await it.ask('write', 'auth/door/login', { token: 'none', data: {} })
  const token = auth?.token as NonNullable<typeof auth>['token']
  if (isDescribed) assert.ok(await it.host.describe(token))
  const lives = async (): Promise<boolean> => /^200/.test(await it.refusal('read', 'auth/token/lookup-self', { token }))
  return { it, token, lives }
}

for (const isDescribed of [true, false]) {
  const which = isDescribed ? 'described' : 'undescribed'
  test(`a wall clock that is set ends a ${which} batch token neither before its time nor after it`, async (t) => {
    for (const jumpMs of [YEAR, -YEAR]) {
      const { it, token, lives } = await withBatchToken(t, isDescribed)
      it.clock.jumpWall(jumpMs)
      await it.clock.advance(9 * MINUTE)
      assert.equal(await lives(), true, `${jumpMs}`)
      await it.clock.advance(2 * MINUTE)
      assert.equal(await lives(), false, `${jumpMs}`)
      it.clock.jumpWall(-YEAR)
      assert.equal(await lives(), false, `${jumpMs}, and back`)
      assert.equal(await it.host.describe(token), undefined)
    }
  })
}

test('a batch token of an earlier run has no more than its time, however far and often the wall clock is set back', async (t) => {
  const { it, lives } = await withBatchToken(t, false)
  it.clock.jumpWall(-YEAR)
  await it.restart()
  assert.equal(await lives(), true)
  for (let at = 0; at < 6; at += 1) {
    await it.clock.advance(2 * MINUTE)
    it.clock.jumpWall(-YEAR)
  }
  assert.equal(await lives(), false)
})

test('a batch token has one spelling', async (t) => {
  const it = await world(t, { door: BATCH_DOOR }, { auths: { door: { type: 'door' } } })
  const { auth } = await it.ask('write', 'auth/door/login', { token: 'none', data: {} })
  const value = unseal(auth?.token as never) as string
  const isTaken = async (text: string): Promise<boolean> =>
    /^200/.test(await it.refusal('read', 'auth/token/lookup-self', { token: seal(text) }))
  assert.equal(await isTaken(value), true)
  for (const other of [`${value}=`, `${value} `, `${value.slice(0, 9)}\n${value.slice(9)}`, `${value}!`, ` ${value}`])
    assert.equal(await isTaken(other), false, JSON.stringify(other.slice(-3)))
})
