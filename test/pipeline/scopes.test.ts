import assert from 'node:assert/strict'
import { test } from 'node:test'
import { token } from '../../lib/session/auth/token.ts'
import { settle } from '../../lib/testing/fake-clock.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { allow, foreign, type Handler, minting, open, policy, readable, tokenOf } from './support.ts'

const DB = 'database/creds/app'
const CAPABILITIES = 'write sys/capabilities-self'
const LOOKUP = 'read auth/token/lookup-self'
const forbid = refuse(403) as Handler

/** Rights by token. */
function capabilities(rights: Record<string, readonly string[]>): Handler {
  return (request) => {
    const { paths } = JSON.parse(request.body ?? '{}') as { paths: readonly [string] }
    return answerWith({ data: { [paths[0]]: [...(rights[tokenOf(request)] ?? ['deny'])] } })
  }
}

const ALIVE = answerWith({ data: { ttl: 3600, type: 'service' } })

test('as() cannot overwrite an attribute of its parent', async (t) => {
  const { gateway } = await open(t, { caller: { service: 'orders' } })
  assert.throws(() => gateway.as({ service: 'other' }), TypeError)
  assert.throws(() => gateway.as({ user: 'u' }).as({ user: 'v' }), TypeError)
  assert.throws(() => gateway.as({ user: 'u' }, { tokens: 's.1' } as never), TypeError)
})

test("as() cannot take the name of the gateway's own caller", async (t) => {
  const { gateway } = await open(t)
  assert.throws(() => gateway.as({ service: 'portcullis' }), TypeError)
})

test('parent and own decision must allow', async (t) => {
  const is = (name: string, value: string): object => ({
    properties: { [name]: { const: value } },
    required: [name],
  })
  const { gateway, server } = await open(t, {
    caller: { service: 'orders' },
    policies: [
      policy('parent', [readable('kv/a'), readable('kv/b')], is('service', 'orders')),
      {
        ...(policy('child', [{ path: 'kv/a', operations: ['*'], effect: 'forbid' }], is('user', 'mallory')) as object),
      },
    ],
    handlers: { 'read kv/a': answerWith({ data: {} }) },
  })
  await gateway.read('kv/a')
  await gateway.as({ user: 'bob' }).read('kv/a')
  await assert.rejects(gateway.as({ user: 'mallory' }).read('kv/a'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  await assert.rejects(gateway.as({ user: 'mallory' }).as({ more: 1 }).read('kv/a'), {
    code: 'ERR_PORTCULLIS_POLICY_DENIED',
  })
  assert.equal(server.count('read kv/a'), 2)
})

test('a caller with a token gets from the cache what its own token may read', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [allow(DB, ['read'])],
    handlers: {
      [`read ${DB}`]: minting(600_000),
      [LOOKUP]: ALIVE,
      [CAPABILITIES]: capabilities({ 's.may': ['read'], 's.root': ['root'], 's.odd': ['read', 'deny'] }),
    },
  })
  await gateway.read(DB)
  assert.equal((await gateway.as({}, { token: 's.may' }).read(DB)).source, 'cache')
  assert.equal((await gateway.as({}, { token: 's.root' }).read(DB)).source, 'cache')
  for (const denied of ['s.not', 's.odd']) {
    assert.equal((await gateway.as({}, { token: denied }).read(DB)).source, 'server')
  }
  assert.deepEqual(server.requests.filter(({ path }) => path === DB).map(tokenOf), ['s.1', 's.not', 's.odd'])
})

test('the rights of a token are asked for anew after a minute, and lost rights count then', async (t) => {
  const rights: Record<string, readonly string[]> = { 's.may': ['read'] }
  const { gateway, server, clock } = await open(t, {
    policies: [allow(DB, ['read'])],
    handlers: { [`read ${DB}`]: minting(600_000), [LOOKUP]: ALIVE, [CAPABILITIES]: capabilities(rights) },
  })
  await gateway.read(DB)
  const caller = gateway.as({}, { token: 's.may' })
  await caller.read(DB)
  rights['s.may'] = ['deny']
  await clock.advance(59_999)
  assert.equal((await caller.read(DB)).source, 'cache')
  assert.equal(server.count(CAPABILITIES), 1)
  await clock.advance(1)
  server.on(`read ${DB}`, forbid)
  await assert.rejects(caller.read(DB), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })
})

test("a token's own 403 is its own, and causes no login of the gateway", async (t) => {
  const { gateway, server, clock } = await open(t, {
    policies: [allow('kv/a', ['read'])],
    handlers: {
      [LOOKUP]: ALIVE,
      'read kv/a': (request, options) =>
        tokenOf(request) === 's.bob' ? forbid(request, options) : answerWith({ data: { a: 1 } }),
    },
  })
  const bob = gateway.as({}, { token: 's.bob' })
  await assert.rejects(bob.read('kv/a'), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })
  await clock.advance(2_000)
  await assert.rejects(bob.read('kv/a'), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })
  assert.equal((await gateway.read('kv/a')).data.a, 1)
  assert.equal(server.requests.filter((request) => tokenOf(request) === 's.bob').length, 4)
})

test('what a token fetched never serves others', async (t) => {
  const { gateway } = await open(t, {
    policies: [allow(DB, ['read'])],
    handlers: { [`read ${DB}`]: minting(600_000), [LOOKUP]: ALIVE, [CAPABILITIES]: capabilities({}) },
  })
  const bob = gateway.as({}, { token: 's.bob' })
  assert.equal((await bob.read(DB)).data.username, 'user-1')
  assert.equal((await bob.read(DB)).source, 'cache')
  assert.equal((await gateway.read(DB)).data.username, 'user-2')
  assert.equal((await gateway.as({}, { token: 's.eve' }).read(DB)).data.username, 'user-3')
})

test('one token is looked up once, however often as() is called with it', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [policy('p', [readable('kv/a')])],
    handlers: { [LOOKUP]: ALIVE, 'read kv/a': answerWith({ data: {} }) },
  })
  for (let n = 0; n < 5; n += 1) await gateway.as({ n }, { token: 's.bob' }).read('kv/a')
  assert.equal(server.count(LOOKUP), 1)
})

test("a caller's token is not revoked at close, the gateway's handed token neither", async (t) => {
  const { gateway, server } = await open(t, {
    auth: token({ token: 's.handed' }),
    policies: [policy('p', [readable('kv/a')])],
    handlers: { [LOOKUP]: ALIVE, 'read kv/a': answerWith({ data: {} }) },
  })
  await gateway.read('kv/a')
  await gateway.as({}, { token: 's.bob' }).read('kv/a')
  await gateway.close()
  assert.equal(server.count('write auth/token/revoke-self'), 0)
})

test('a token with a line break is refused at once, and not shown', async (t) => {
  const { gateway } = await open(t)
  assert.throws(
    () => gateway.as({}, { token: 's.hunter2\r\nX-Vault-Namespace: root' }),
    (error: Error) => error instanceof TypeError && !error.message.includes('hunter2'),
  )
})

test('rights on a LIST are asked for with the slash that the server judges', async (t) => {
  const asked: string[] = []
  const cache = { ttl: '1m' }
  const { gateway } = await open(t, {
    policies: [allow('kv/metadata/a', ['list'], { cache })],
    handlers: {
      [LOOKUP]: ALIVE,
      'list kv/metadata/a': answerWith({ data: { keys: ['b'] } }),
      [CAPABILITIES]: (request) => {
        asked.push(...(JSON.parse(request.body ?? '') as { paths: string[] }).paths)
        return answerWith({ data: { capabilities: ['list'] } })
      },
    },
  })
  await gateway.list('kv/metadata/a')
  assert.equal((await gateway.as({}, { token: 's.bob' }).list('kv/metadata/a')).source, 'cache')
  assert.deepEqual(asked, ['kv/metadata/a/'])
})

test('each entry of a caller with a token names that token by its HMAC', async (t) => {
  const { gateway, entries } = await open(t, {
    policies: [policy('p', [readable('kv/a')])],
    handlers: { [LOOKUP]: ALIVE, 'read kv/a': answerWith({ data: {} }) },
  })
  await gateway.read('kv/a')
  await gateway.as({ user: 'bob' }, { token: 's.bob' }).read('kv/a')
  await settle()
  const names = foreign(entries)
    .filter(({ type }) => type === 'response')
    .map(({ auth }) => auth?.client_token)
  assert.equal(new Set(names).size, 2)
  for (const name of names) assert.match(name ?? '', /^hmac-sha256:[0-9a-f]{64}$/)
})

test('a caller with a token whose rule says scope caller gets nothing that the gateway fetched', async (t) => {
  const is = { properties: { user: { const: 'bob' } }, required: ['user'] }
  const own = { id: 'own', cache: { ttl: '1m', scope: 'caller' } }
  const { gateway } = await open(t, {
    policies: [
      policy('rest', [readable(DB, { cache: { ttl: '1m' } })], { not: { required: ['user'] } }),
      policy('bob', [readable(DB, own)], is),
    ],
    handlers: {
      [`read ${DB}`]: minting(600_000),
      [LOOKUP]: ALIVE,
      [CAPABILITIES]: capabilities({ 's.bob': ['read'] }),
    },
  })
  await gateway.read(DB)
  assert.equal((await gateway.as({ user: 'bob' }, { token: 's.bob' }).read(DB)).source, 'server')
})
