import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendReply } from '../../../lib/model/backend.ts'
import { unseal } from '../../../lib/model/sealed.ts'
import { authOf, type Script, said, secretOf } from './scripted-plugins.ts'
import { type World, world } from './world.ts'

const SCRIPT: Script = {
  handle({ path }): BackendReply {
    if (path === 'wrapped') return said({ v: 1 }, { wrapTtlMs: 30_000 })
    if (path === 'creds') return said({ v: 1 }, { secret: secretOf({ ttlMs: 600_000 }) })
    return path === 'none' ? {} : said({ v: 'secret' })
  },
}
const MOUNTS = { mounts: { kv: { type: 'mock' } } }
const NOT_VALID = '400: wrapping token is not valid or does not exist'

async function wrap(it: World, path = 'kv/a', wrapTtlMs = 60_000): Promise<string> {
  const { wrapInfo, data, requestId } = await it.ask('read', path, { wrapTtlMs })
  assert.deepEqual([data, requestId], [undefined, ''])
  assert.ok(wrapInfo)
  return unseal(wrapInfo.token)
}

test('a wrapped answer is traded in once, and tells where it was made', async (t) => {
  const it = await world(t, { mock: SCRIPT }, MOUNTS)
  const token = await wrap(it)
  const seen = await it.ask('write', 'sys/wrapping/lookup', { data: { token } })
  assert.deepEqual(seen.data, { creation_path: 'kv/a', creation_time: '2026-01-01T00:00:00.000Z', creation_ttl: 60 })
  const opened = await it.ask('write', 'sys/wrapping/unwrap', { data: { token } })
  assert.deepEqual(opened.data, { v: 'secret' })
  for (const path of ['unwrap', 'lookup', 'rewrap'])
    assert.equal(await it.refusal('write', `sys/wrapping/${path}`, { data: { token } }), NOT_VALID)
})

test('of many who ask at once one gets what was wrapped', async (t) => {
  const it = await world(t, { mock: SCRIPT }, MOUNTS)
  const token = await wrap(it)
  const outcomes = await Promise.allSettled(
    Array.from({ length: 20 }, () => it.ask('write', 'sys/wrapping/unwrap', { data: { token } })),
  )
  assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 1)
})

test('a wrapping token lapses, also while the host is down, and lives over a restart', async (t) => {
  const it = await world(t, { mock: SCRIPT }, MOUNTS)
  const [first, second, third] = [await wrap(it), await wrap(it, 'kv/a', 120_000), await wrap(it, 'kv/a', 30_000)]
  await it.clock.advance(30_000)
  assert.equal(await it.refusal('write', 'sys/wrapping/unwrap', { data: { token: third } }), NOT_VALID)
  await it.restart(30_000)
  assert.equal(await it.refusal('write', 'sys/wrapping/unwrap', { data: { token: first } }), NOT_VALID)
  assert.deepEqual((await it.ask('write', 'sys/wrapping/unwrap', { data: { token: second } })).data, { v: 'secret' })
  await it.clock.advance(0)
  assert.deepEqual([await it.store.list('core/wrap/'), await it.store.list('core/wrapped/')], [[], []])
})

test('a rewrap keeps what is inside and where it was made; the old token is used up', async (t) => {
  const it = await world(t, { mock: SCRIPT }, MOUNTS)
  const old = await wrap(it)
  const { wrapInfo } = await it.ask('write', 'sys/wrapping/rewrap', { data: { token: old } })
  assert.deepEqual([wrapInfo?.creationPath, wrapInfo?.ttlMs], ['kv/a', 60_000])
  assert.equal(await it.refusal('write', 'sys/wrapping/unwrap', { data: { token: old } }), NOT_VALID)
  const opened = await it.ask('write', 'sys/wrapping/unwrap', { token: wrapInfo?.token ?? 'none' })
  assert.deepEqual(opened.data, { v: 'secret' })
})

test('the shorter of what request and plugin ask for; nothing, and refusals, are not wrapped', async (t) => {
  const it = await world(t, { mock: SCRIPT }, MOUNTS)
  assert.equal((await it.ask('read', 'kv/wrapped', { wrapTtlMs: 60_000 })).wrapInfo?.ttlMs, 30_000)
  assert.equal((await it.ask('read', 'kv/wrapped', { wrapTtlMs: 10_000 })).wrapInfo?.ttlMs, 10_000)
  assert.equal((await it.ask('read', 'kv/wrapped')).wrapInfo?.ttlMs, 30_000)
  assert.equal(await it.refusal('read', 'kv/none', { wrapTtlMs: 60_000 }), '404: ')
  assert.equal((await it.ask('write', 'kv/none', { wrapTtlMs: 60_000 })).status, 204)
})

test('a wrapped secret is leased, and ends at its time though nobody unwrapped it', async (t) => {
  const it = await world(t, { mock: SCRIPT }, MOUNTS)
  const token = await wrap(it, 'kv/creds')
  const [lease] = it.host.operator.leases()
  assert.ok(lease)
  const opened = await it.ask('write', 'sys/wrapping/unwrap', { data: { token } })
  assert.deepEqual([opened.leaseId, opened.leaseDurationMs, opened.data], [lease, 600_000, { v: 1 }])
  await it.clock.advance(600_000)
  assert.deepEqual(it.host.operator.leases(), [])
})

test('a wrapped login hides its token and tells its accessor', async (t) => {
  const door: Script = {
    type: 'auth',
    specialPaths: { unauthenticated: ['login'] },
    handle: () => said(null, { auth: authOf() }),
  }
  const it = await world(t, { door }, { auths: { door: { type: 'door' } } })
  const { wrapInfo, auth } = await it.ask('write', 'auth/door/login', { token: 'none', data: {}, wrapTtlMs: 60_000 })
  assert.equal(auth, undefined)
  const opened = await it.ask('write', 'sys/wrapping/unwrap', {
    data: { token: unseal(wrapInfo?.token ?? it.gateway) },
  })
  assert.match(unseal(opened.auth?.token ?? it.gateway), /^s\./)
})

test('wrap wraps what is sent, and a wrapping token opens nothing else', async (t) => {
  const it = await world(t, { mock: SCRIPT }, MOUNTS)
  assert.equal(
    await it.refusal('write', 'sys/wrapping/wrap', { data: { a: 1 } }),
    '400: endpoint requires response wrapping to be used',
  )
  const { wrapInfo } = await it.ask('write', 'sys/wrapping/wrap', { data: { a: 1 }, wrapTtlMs: 60_000 })
  assert.equal(wrapInfo?.creationPath, 'sys/wrapping/wrap')
  const token = wrapInfo?.token ?? 'none'
  for (const path of ['kv/a', 'cubbyhole/response', 'sys/mounts'])
    assert.equal(await it.refusal('read', path, { token }), '403: permission denied', path)
  assert.deepEqual((await it.ask('write', 'sys/wrapping/unwrap', { token })).data, { a: 1 })
})

test('a plugin wraps through its system view into the same store', async (t) => {
  const wrapper: Script = {
    async handle(_, { view }) {
      const { token } = await view.wrap('{"inner":1}', 60_000)
      return said({ token })
    },
  }
  const it = await world(t, { mock: wrapper }, MOUNTS)
  const { data } = await it.ask('read', 'kv/x')
  assert.deepEqual((await it.ask('write', 'sys/wrapping/unwrap', { data: { token: data?.token } })).data, { inner: 1 })
})
