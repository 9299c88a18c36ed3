import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testPlugin } from 'portcullis/plugin/testing'
import { accounts, plugin } from './example.ts'

test('a write is a create where nothing is there, and an update afterwards', async () => {
  const mounted = await testPlugin(plugin)
  assert.deepEqual((await mounted.request('write', 'roles/app', { ttl: '2h', groups: 'a, b' })).data, { created: true })
  assert.equal((await mounted.request('write', 'roles/app', { ttl: 60 })).status, 204)
  assert.deepEqual((await mounted.request('read', 'roles/app')).data, { ttl: 60, groups: [] })
})

test('what is not there is 404 for reads and lists, and no error for deletes', async () => {
  const mounted = await testPlugin(plugin)
  assert.equal((await mounted.request('read', 'roles/none')).status, 404)
  assert.equal((await mounted.request('list', 'roles')).status, 404)
  assert.equal((await mounted.request('delete', 'roles/none')).status, 204)
})

test('lists are sorted bytewise', async () => {
  const mounted = await testPlugin(plugin)
  for (const name of ['b', 'a', 'Z']) await mounted.request('write', `roles/${name}`, {})
  assert.deepEqual((await mounted.request('list', 'roles/')).data, { keys: ['Z', 'a', 'b'] })
})

test('a field that its schema refuses never reaches the handler, and the value is not told', async () => {
  const mounted = await testPlugin(plugin)
  const outcome = await mounted.request('write', 'roles/app', { ttl: 'hunter2' })
  assert.equal(outcome.status, 400)
  assert.deepEqual(outcome.errors, [
    'Field validation failed: "ttl" must be a duration of 0 or more, such as 30 or "24h"',
  ])
  assert.equal(mounted.storage.size, 0)
})

test('unknown fields are ignored with the warning that callers know', async () => {
  const mounted = await testPlugin(plugin)
  const { warnings } = await mounted.request('write', 'roles/app', { zebra: 1, ape: 2, ttl: 1 })
  assert.deepEqual(warnings, ['Endpoint ignored these unrecognized parameters: [ape zebra]'])
})

test('a parameter of the path overrides the field of its name', async () => {
  const mounted = await testPlugin(plugin)
  const { warnings } = await mounted.request('write', 'roles/app', { name: 'other' })
  assert.deepEqual(warnings, ['Endpoint took the values of these parameters from its path: [name]'])
  assert.equal((await mounted.request('read', 'roles/other')).status, 404)
})

test('paths and operations that are not there are 404 and 405', async () => {
  const mounted = await testPlugin(plugin)
  assert.equal((await mounted.request('read', 'nowhere')).status, 404)
  assert.equal((await mounted.request('read', 'roles/a/b')).status, 404)
  assert.equal((await mounted.request('delete', 'creds/app')).status, 405)
  assert.equal((await mounted.request('resolve-path', 'roles/app')).status, 405)
})

test('refusals keep their kind; an exception is told by nothing but its place in the log', async () => {
  const mounted = await testPlugin(plugin)
  const failed = async (how: string) => {
    const { status, errors } = await mounted.request('read', `fail/${how}`)
    return [status, errors]
  }
  assert.deepEqual(await failed('refuse'), [400, ['not today']])
  assert.deepEqual(await failed('denied'), [403, ['permission denied']])
  assert.deepEqual(await failed('teapot'), [418, ['short and stout']])
  assert.deepEqual(await failed('boom'), [500, ['internal error']])
  assert.match(String(mounted.logged.at(-1)?.fields.stack), /example\.ts/)
  assert.doesNotMatch(JSON.stringify(mounted.logged), /hunter2/)
})

test('a lease is renewed with its secret whole, and revoked when it ends', async () => {
  const mounted = await testPlugin(plugin)
  await mounted.request('write', 'roles/app', { ttl: 60 })
  const { lease } = await mounted.request('read', 'creds/app')
  assert.equal(lease?.ttlMs, 60_000)
  assert.equal(lease?.renewable, true)
  await mounted.advance(50_000)
  const renewed = await mounted.renew(lease?.id ?? '')
  assert.deepEqual(renewed.warnings, ['renewed'])
  await mounted.advance(50_000)
  assert.equal(accounts(mounted).size, 1)
  await mounted.advance(10_000)
  assert.equal(accounts(mounted).size, 0)
  assert.deepEqual(mounted.leases(), [])
})

test('a revocation that fails keeps the lease', async () => {
  const mounted = await testPlugin(plugin)
  await mounted.request('write', 'roles/stuck', {})
  const { lease } = await mounted.request('read', 'creds/stuck')
  assert.equal((await mounted.revoke(lease?.id ?? '')).status, 500)
  assert.equal(mounted.leases().length, 1)
})

test('periodic work runs once a minute', async () => {
  const mounted = await testPlugin(plugin)
  await mounted.advance(180_000)
  assert.equal(mounted.logged.filter(({ message }) => message === 'tidied').length, 3)
})

test('the rest of a path keeps its slashes, and may be nothing', async () => {
  const mounted = await testPlugin(plugin)
  assert.deepEqual((await mounted.request('read', 'open/a//b/')).data, { rest: 'a//b/', path: 'open/a//b/' })
  assert.deepEqual((await mounted.request('read', 'open')).data, { rest: '', path: 'open' })
})

test('special paths are told in the notation of the servers', async () => {
  const mounted = await testPlugin(plugin)
  assert.deepEqual(mounted.specialPaths, {
    root: ['operators/*'],
    unauthenticated: ['open', 'open/*'],
    localStorage: [],
    sealWrapStorage: [],
  })
})

test('two mounts of one plugin share nothing', async () => {
  const one = await testPlugin(plugin)
  const other = await testPlugin(plugin)
  await one.request('write', 'roles/app', {})
  await one.request('read', 'creds/app')
  assert.equal((await other.request('read', 'roles/app')).status, 404)
  assert.equal(accounts(other).size, 0)
})
