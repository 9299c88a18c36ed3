import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mountKv } from './mounted.ts'

test('what was written is read, whole, and gone after a delete', async () => {
  const kv = await mountKv('1')
  assert.equal((await kv.request('read', 'app')).status, 404)
  assert.equal((await kv.request('write', 'app', { user: 'a', deep: { list: [1, null] } })).status, 204)
  assert.deepEqual((await kv.request('read', 'app')).data, { user: 'a', deep: { list: [1, null] } })
  assert.equal((await kv.request('write', 'app', { user: 'b' })).status, 204)
  assert.deepEqual((await kv.request('read', 'app')).data, { user: 'b' })
  assert.equal((await kv.request('delete', 'app')).status, 204)
  assert.equal((await kv.request('read', 'app')).status, 404)
  assert.equal(kv.storage.size, 0)
})

test('an empty write and one without a name are refused', async () => {
  const kv = await mountKv('1')
  assert.deepEqual((await kv.request('write', 'app', {})).errors, ['missing data fields'])
  assert.deepEqual((await kv.request('write', '', { a: 1 })).errors, ['missing path'])
})

test('a name and a folder of the same name both stand in lists', async () => {
  const kv = await mountKv('1')
  for (const name of ['d/e', 'd/e/f', 'a', 'ü', 'Z', '.hidden']) await kv.request('write', name, { x: 1 })
  assert.deepEqual((await kv.request('list', '')).data, { keys: ['.hidden', 'Z', 'a', 'd/', 'ü'] })
  assert.deepEqual((await kv.request('list', 'd')).data, { keys: ['e', 'e/'] })
  assert.deepEqual((await kv.request('list', 'd/')).data, { keys: ['e', 'e/'] })
  assert.equal((await kv.request('list', 'a')).status, 404)
})

for (const name of ['a b', 'q?x=1', 'h#1', '50%', '%2E', 'x..y', '...', '€/ü/日本', '__proto__', 'config', 'a/..b/c'])
  test(`"${name}" is a name like any other`, async () => {
    const kv = await mountKv('1')
    assert.equal((await kv.request('write', name, { x: name })).status, 204)
    assert.deepEqual((await kv.request('read', name)).data, { x: name })
    const folder = name.split('/').slice(0, -1).join('/')
    assert.deepEqual((await kv.request('list', folder)).data, { keys: [name.split('/').at(-1)] })
  })

test('a name of 1,500 bytes is taken, a longer one refused', async () => {
  const kv = await mountKv('1')
  assert.equal((await kv.request('write', 'k'.repeat(1500), { x: 1 })).status, 204)
  assert.equal((await kv.request('write', 'k'.repeat(1501), { x: 1 })).status, 400)
  assert.equal((await kv.request('write', '€'.repeat(501), { x: 1 })).status, 400)
})

for (const [ttl, ttlMs] of [
  ['30s', 30_000],
  [60, 60_000],
  ['100', 100_000],
  ['7d', 604_800_000],
  ['bogus', 0],
  [1.5, 0],
  [true, 0],
  ['-1h', 0],
  [null, 0],
] as const)
  test(`a "ttl" of ${JSON.stringify(ttl)} tells ${ttlMs} ms, and stays in the data`, async () => {
    const kv = await mountKv('1')
    await kv.request('write', 'app', { ttl })
    const { data, lease } = await kv.request('read', 'app')
    assert.deepEqual(data, { ttl })
    assert.deepEqual([lease?.ttlMs, lease?.renewable], [ttlMs === 0 ? 768 * 3_600_000 : ttlMs, false])
  })

test('only a mount that asks for leases gets renewable ones', async () => {
  const kv = await mountKv('1', { mountOptions: { version: '1', leased_passthrough: 'true' } })
  await kv.request('write', 'app', { ttl: '1h' })
  const { lease } = await kv.request('read', 'app')
  assert.equal(lease?.renewable, true)
  assert.equal((await kv.renew(lease?.id ?? '')).errors.length, 0)
  assert.equal((await kv.revoke(lease?.id ?? '')).errors.length, 0)
})

test('unknown parameters of a read are named in a warning; patch is no operation of version 1', async () => {
  const kv = await mountKv('1')
  await kv.request('write', 'app', { x: 1 })
  const { warnings } = await kv.request('read', 'app', { version: '3' })
  assert.deepEqual(warnings, ['Endpoint ignored these unrecognized parameters: [version]'])
  assert.equal((await kv.request('patch', 'app', { x: 2 })).status, 405)
})
