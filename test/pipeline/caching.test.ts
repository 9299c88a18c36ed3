import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerWith, grant, refuse } from '../../lib/testing/scripted-transport.ts'
import { allow, foreign, gate, type Handler, minting, open, policy, readable } from './support.ts'

const A = answerWith({ data: { a: 1 } })
const TTL = { cache: { ttl: '10s' } }

test('a static secret is not kept without a grant', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [policy('p', [readable('kv/a')])],
    handlers: { 'read kv/a': A },
  })
  await gateway.read('kv/a')
  assert.equal((await gateway.read('kv/a')).source, 'server')
  assert.equal(server.count('read kv/a'), 2)
})

test('a static secret with a grant is served for as long as that says', async (t) => {
  const { gateway, clock } = await open(t, {
    policies: [policy('p', [readable('kv/a', TTL)])],
    handlers: { 'read kv/a': A },
  })
  await gateway.read('kv/a')
  await clock.advance(9_999)
  assert.equal((await gateway.read('kv/a')).source, 'cache')
  await clock.advance(1)
  assert.equal((await gateway.read('kv/a')).source, 'server')
})

test('scope caller keeps callers apart', async (t) => {
  const cache = { ttl: '10s', scope: 'caller' }
  const { gateway, server } = await open(t, {
    policies: [policy('p', [readable('kv/a', { cache })])],
    handlers: { 'read kv/a': A },
  })
  const one = gateway.as({ user: '1' })
  await one.read('kv/a')
  assert.equal((await gateway.as({ user: '1' }).read('kv/a')).source, 'cache')
  assert.equal((await gateway.as({ user: '2' }).read('kv/a')).source, 'server')
  assert.equal(server.count('read kv/a'), 2)
})

test('scope caller keeps leases of callers apart, also where the rule of their parent grants no cache', async (t) => {
  const path = 'database/creds/app'
  const named = { required: ['user'] }
  const own = { id: 'own', cache: { ttl: '10s', scope: 'caller' } }
  const { gateway, server } = await open(t, {
    policies: [policy('rest', [readable(path)], { not: named }), policy('named', [readable(path, own)], named)],
    handlers: { [`read ${path}`]: minting(60_000) },
  })
  const [one, two] = [gateway.as({ user: '1' }), gateway.as({ user: '2' })]
  const names = [await one.read(path), await two.read(path), await one.read(path)].map(({ data }) => data.username)
  assert.deepEqual(names, ['user-1', 'user-2', 'user-1'])
  assert.equal(server.count(`read ${path}`), 2)
})

test('callers in different traces share one lease', async (t) => {
  const { gateway, server, entries } = await open(t, {
    policies: [allow('database/creds/app', ['read'])],
    handlers: { 'read database/creds/app': minting(60_000) },
  })
  const trace = (digit: string): string => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`
  await gateway.read('database/creds/app', { traceparent: trace('1') })
  await gateway.read('database/creds/app', { traceparent: trace('2') })
  assert.equal(server.count('read database/creds/app'), 1)
  assert.equal(foreign(entries).at(-1)?.trace?.trace_id, '2'.repeat(32))
})

test('query and operation tell entries apart', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [allow('kv/a', ['read', 'list'], TTL)],
    handlers: { 'read kv/a': A, 'list kv/a': answerWith({ data: { keys: ['b'] } }) },
  })
  await gateway.read('kv/a', { query: { version: 1 } })
  await gateway.read('kv/a', { query: { version: 2 } })
  await gateway.read('kv/a')
  await gateway.list('kv/a')
  assert.equal(server.requests.length, 4)
  assert.equal((await gateway.read('kv/a', { query: { version: '2' } })).source, 'cache')
})

for (const path of ['sys/mounts', 'auth/token/lookup-self', 'cubbyhole/a', 'identity/entity/id/1', 'totp/code/a']) {
  test(`${path} is neither kept nor coalesced, even with a grant`, async (t) => {
    const { gateway, server } = await open(t, {
      policies: [policy('p', [readable(path, TTL)])],
      handlers: { [`read ${path}`]: answerWith({ data: { a: 1 }, leaseId: 'l/1', leaseDurationMs: 60_000 }) },
    })
    await Promise.all([gateway.read(path), gateway.read(path)])
    await gateway.read(path)
    assert.equal(server.count(`read ${path}`), 3)
  })
}

test('a mount of a private type is not kept wherever it is mounted', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [policy('p', [readable('my/code/a', TTL)])],
    handlers: { 'read my/code/a': answerWith({ data: { code: '123' }, mountType: 'totp' }) },
  })
  await Promise.all([gateway.read('my/code/a'), gateway.read('my/code/a')])
  assert.equal(server.count('read my/code/a'), 2)
})

test('a wrapped answer is never kept', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [policy('p', [readable('database/creds/app')])],
    handlers: { 'read database/creds/app': grant({ ttlMs: 60_000 }) },
  })
  await gateway.read('database/creds/app', { wrapTtlMs: 60_000 })
  await gateway.read('database/creds/app', { wrapTtlMs: 60_000 })
  assert.equal(server.requests.length, 2)
})

test('an answer in bytes is not shared, since bytes cannot be frozen', async (t) => {
  const raw = { contentType: 'application/pem', bytes: new Uint8Array([1]) }
  const { gateway, server } = await open(t, {
    policies: [policy('p', [readable('pki/ca/pem', TTL)])],
    handlers: { 'read pki/ca/pem': () => ({ ...answerWith(), raw }) },
  })
  await gateway.read('pki/ca/pem')
  await gateway.read('pki/ca/pem')
  assert.equal(server.requests.length, 2)
})

test('a static answer without a grant goes to no waiter of another caller', async (t) => {
  const { opened, open: release } = gate()
  let served = 0
  const { gateway } = await open(t, {
    policies: [policy('p', [readable('kv/a')])],
    handlers: {
      'read kv/a': async () => {
        await opened
        return answerWith({ data: { n: ++served } })
      },
    },
  })
  const reads = ['1', '2', '3'].map((user) => gateway.as({ user }).read('kv/a'))
  release()
  const answers = await Promise.all(reads)
  assert.deepEqual(answers.map(({ data }) => data.n).sort(), [1, 2, 3])
})

const STALE = { cache: { ttl: '10s', staleIfError: '1m' } }

test('while the server fails, a stale answer is served within its bounds and says so', async (t) => {
  const { gateway, server, clock, entries } = await open(t, {
    policies: [policy('p', [readable('kv/a', STALE)])],
    handlers: { 'read kv/a': A },
  })
  await gateway.read('kv/a')
  server.on('read kv/a', refuse(503) as Handler)
  await clock.advance(69_999)
  const stale = await gateway.read('kv/a')
  assert.deepEqual([stale.source, stale.ageMs], ['stale', 69_999])
  assert.equal(foreign(entries).at(-1)?.response?.source, 'stale')
  await clock.advance(1)
  await assert.rejects(gateway.read('kv/a'), { code: 'ERR_PORTCULLIS_SERVER_SEALED' })
})

test('an error that is not temporary is no reason to serve what is stale', async (t) => {
  const { gateway, server, clock } = await open(t, {
    policies: [policy('p', [readable('kv/a', STALE)])],
    handlers: { 'read kv/a': A },
  })
  await gateway.read('kv/a')
  await clock.advance(20_000)
  for (const status of [404, 403]) {
    server.on('read kv/a', refuse(status) as Handler)
    await assert.rejects(gateway.read('kv/a'), { status })
  }
})

test('a lease past its end is never served as stale', async (t) => {
  const path = 'database/creds/app'
  const { gateway, server, clock } = await open(t, {
    policies: [policy('p', [readable(path, STALE)])],
    handlers: { [`read ${path}`]: minting(20_000) },
  })
  await gateway.read(path)
  server.on(`read ${path}`, refuse(503) as Handler)
  await clock.advance(19_999)
  assert.equal((await gateway.read(path)).source, 'stale')
  await clock.advance(1)
  await assert.rejects(gateway.read(path), { code: 'ERR_PORTCULLIS_SERVER_SEALED' })
})

test('evict() drops by path, prefix, lease id, or everything, and tells how many', async (t) => {
  const paths = ['db/creds/a', 'db/creds/b', 'kv/a']
  const { gateway } = await open(t, {
    policies: [
      policy(
        'p',
        [readable('db/creds/+'), readable('kv/a', TTL)].map((rule, id) => ({ ...rule, id: `${id}` })),
      ),
    ],
    handlers: {
      'read db/creds/a': minting(60_000, 'db/creds/a'),
      'read db/creds/b': minting(60_000, 'db/creds/b'),
      'read kv/a': A,
    },
  })
  const fill = (): Promise<unknown> => Promise.all(paths.map((path) => gateway.read(path)))
  await fill()
  assert.equal(gateway.evict({ path: 'db/creds' }), 0)
  assert.equal(gateway.evict({ path: 'db/creds/a' }), 1)
  assert.equal((await gateway.read('db/creds/a')).source, 'server')
  assert.equal(gateway.evict({ prefix: 'db/' }), 2)
  await fill()
  assert.equal(gateway.evict({ leaseId: 'db/creds/b/2' }), 1)
  assert.equal(gateway.evict({ leaseId: '' }), 1)
  assert.equal(gateway.evict({ prefix: '', namespace: 'other' }), 0)
  assert.equal(gateway.evict({ all: true }), 1)
})

test('what was on its way during evict() serves who asked for it, and is not kept', async (t) => {
  const { opened, open: release } = gate()
  const path = 'database/creds/app'
  const mint = minting(60_000)
  const { gateway } = await open(t, {
    policies: [policy('p', [readable(path)])],
    handlers: {
      [`read ${path}`]: async (request, options) => {
        await opened
        return mint(request, options)
      },
    },
  })
  const reading = gateway.read(path)
  await new Promise(setImmediate)
  gateway.evict({ all: true })
  release()
  assert.equal((await reading).data.username, 'user-1')
  assert.equal((await gateway.read(path)).data.username, 'user-2')
})

test('the cache holds no more than cache.maxEntries', async (t) => {
  const { gateway } = await open(t, {
    policies: [allow('kv/*', ['read'], TTL)],
    cache: { maxEntries: 2 },
    handlers: { 'read kv/a': A, 'read kv/b': A, 'read kv/c': A },
  })
  for (const name of ['a', 'b', 'c']) await gateway.read(`kv/${name}`)
  assert.equal((await gateway.health()).cache.entries, 2)
  assert.equal((await gateway.read('kv/c')).source, 'cache')
  assert.equal((await gateway.read('kv/a')).source, 'server')
})
