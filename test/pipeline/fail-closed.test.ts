import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import type { Gateway } from '../../lib/model/gateway.ts'
import { answerWith, grant, refuse } from '../../lib/testing/scripted-transport.ts'
import { allow, foreign, type Handler, minting, open, policy, readable, shape, tokenGrant } from './support.ts'

const DB = 'database/creds/app'
const REVOKE = 'write sys/leases/revoke'
const DONE = answerWith({ status: 204 })

/** Refuses entries of callers of one type; the gateway's own pass. */
function refusing(type: 'request' | 'response'): (entry: AuditEntry) => void {
  return (entry) => {
    if (entry.type === type && entry.caller.service !== 'portcullis') throw new Error('disk full')
  }
}

const CALLS: readonly (readonly [string, (gateway: Gateway) => Promise<unknown>])[] = [
  ['a shared read', (gateway) => gateway.read(DB)],
  ['a list', (gateway) => gateway.list('kv/a')],
  ['a write', (gateway) => gateway.write('kv/a', { a: 1 })],
  ['a patch', (gateway) => gateway.patch('kv/a', { a: 1 })],
  ['a delete', (gateway) => gateway.delete('kv/a')],
  ['a wrapped read', (gateway) => gateway.read('kv/a', { wrapTtlMs: 60_000 })],
  ['a login', (gateway) => gateway.login('auth/userpass/login/bob', { password: 'p' })],
  ['an unwrapping', (gateway) => gateway.unwrap('s.wrapping')],
]

for (const [name, call] of CALLS) {
  test(`${name} whose request entry is refused is not sent`, async (t) => {
    const { gateway, server } = await open(t, { dangerouslyAllowEverything: true, onEntry: refusing('request') })
    await assert.rejects(call(gateway), { code: 'ERR_PORTCULLIS_AUDIT_FAILED', phase: 'request' })
    assert.deepEqual(server.sent(), [])
  })
}

test('an answer whose entry is refused is withheld, and its lease ended', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [allow(DB, ['read'])],
    handlers: { [`read ${DB}`]: minting(60_000), [REVOKE]: DONE },
    onEntry: refusing('response'),
  })
  await assert.rejects(gateway.read(DB), { code: 'ERR_PORTCULLIS_AUDIT_FAILED', phase: 'response' })
  assert.equal(server.count(REVOKE), 1)
  assert.equal((await gateway.health()).cache.entries, 0)
})

test('after a write whose answer could not be recorded the error says that the server did it', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [allow('database/creds/app', ['write'])],
    handlers: { [`write ${DB}`]: grant({ ttlMs: 1000 }), [REVOKE]: DONE },
    onEntry: refusing('response'),
  })
  const writing = gateway.write(DB, {})
  await assert.rejects(writing, { code: 'ERR_PORTCULLIS_AUDIT_FAILED', message: /the server did carry out write/ })
  assert.equal(server.count(REVOKE), 1)
})

test('after a write whose answer fails the schema the error says that the server did it', async (t) => {
  const { gateway, entries } = await open(t, {
    policies: [allow('kv/a', ['write'], { response: { properties: { b: {} }, required: ['b'] } })],
    handlers: { 'write kv/a': answerWith({ data: { secret: 'x' } }) },
  })
  const writing = gateway.write('kv/a', {})
  await assert.rejects(writing, { code: 'ERR_PORTCULLIS_POLICY_RESPONSE', message: /the server did carry/ })
  assert.deepEqual(shape(foreign(entries)), ['request allow', 'response deny ERR_PORTCULLIS_POLICY_RESPONSE'])
})

test('a token whose handing over could not be recorded is revoked', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [allow('auth/userpass/login/bob', ['write'])],
    handlers: { 'write auth/userpass/login/bob': answerWith({ auth: tokenGrant('s.bob') }) },
    onEntry: refusing('response'),
  })
  await assert.rejects(gateway.login('auth/userpass/login/bob', {}), { phase: 'response' })
  assert.equal(server.count('write auth/token/revoke-self'), 1)
})

test('a hit whose entry is refused is withheld, and the lease lives on for the others', async (t) => {
  let isRefusing = false
  const { gateway, server } = await open(t, {
    policies: [allow(DB, ['read'])],
    handlers: { [`read ${DB}`]: minting(60_000), [REVOKE]: DONE },
    onEntry: () => {
      if (isRefusing) throw new Error('disk full')
    },
  })
  await gateway.read(DB)
  isRefusing = true
  await assert.rejects(gateway.read(DB), { code: 'ERR_PORTCULLIS_AUDIT_FAILED' })
  isRefusing = false
  assert.equal((await gateway.read(DB)).source, 'cache')
  assert.equal(server.count(REVOKE), 0)
})

test('a refused path is recorded as it was asked', async (t) => {
  const { gateway, server, entries } = await open(t, { dangerouslyAllowEverything: true })
  await assert.rejects(gateway.read('kv/../sys/seal'), { code: 'ERR_PORTCULLIS_PATH_REFUSED' })
  assert.equal(entries[0]?.request.path, 'kv/../sys/seal')
  assert.deepEqual(shape(entries), ['request deny ERR_PORTCULLIS_PATH_REFUSED'])
  assert.deepEqual(server.sent(), [])
})

test('a refused namespace is recorded as it was asked', async (t) => {
  const { gateway, entries } = await open(t, { dangerouslyAllowEverything: true })
  await assert.rejects(gateway.read('kv/a', { namespace: 'team-b' }), { code: 'ERR_PORTCULLIS_NAMESPACE_REFUSED' })
  assert.equal(entries[0]?.request.namespace.path, 'team-b/')
})

test('data that cannot be sent is refused, recorded, and never echoed', async (t) => {
  const { gateway, server, entries } = await open(t, { dangerouslyAllowEverything: true })
  const cyclic: Record<string, unknown> = { hunter2hunter2: 'correct-horse' }
  cyclic.self = cyclic
  await assert.rejects(gateway.write('kv/a', cyclic), (error: Error) => {
    assert.doesNotMatch(JSON.stringify(error) + String(error.stack) + String(error.cause), /hunter2|horse/)
    return true
  })
  assert.doesNotMatch(JSON.stringify(entries), /hunter2|horse/)
  assert.deepEqual(server.sent(), [])
})

test('a denial is withheld behind the audit: without a record it is an audit error', async (t) => {
  const { gateway } = await open(t, { onEntry: refusing('request') })
  await assert.rejects(gateway.read('kv/a'), (error: { code: string; cause: { code: string } }) => {
    assert.equal(error.code, 'ERR_PORTCULLIS_AUDIT_FAILED')
    assert.equal(error.cause.code, 'ERR_PORTCULLIS_POLICY_DENIED')
    return true
  })
})

test('a create-only write whose mount cannot be found out is not sent, and recorded', async (t) => {
  const { gateway, server, entries } = await open(t, {
    policies: [allow('kv/data/a', ['create'])],
    handlers: { 'read sys/internal/ui/mounts/kv/data/a': refuse(403) as Handler },
  })
  await assert.rejects(gateway.write('kv/data/a', { data: {} }), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })
  assert.equal(server.count('write kv/data/a'), 0)
  assert.deepEqual(shape(foreign(entries)), ['request allow ERR_PORTCULLIS_SERVER_FORBIDDEN'])
})

test('a wrapped answer passes a rule with a response schema that says wrapped', async (t) => {
  const wrapInfo = { ...tokenGrant('s.wrap'), creationPath: 'kv/a', creationTime: '' }
  const { gateway } = await open(t, {
    policies: [
      policy('p', [readable('kv/a', { wrapped: true, response: { properties: { b: {} }, required: ['b'] } })]),
    ],
    handlers: { 'read kv/a': (request) => answerWith(request.wrapTtlMs > 0 ? { wrapInfo } : { data: { c: 1 } }) },
  })
  assert.equal((await gateway.read('kv/a', { wrapTtlMs: 60_000 })).wrapped?.token, 's.wrap')
  await assert.rejects(gateway.read('kv/a'), { code: 'ERR_PORTCULLIS_POLICY_RESPONSE' })
})

test('an audit that fails is no reason to serve what is stale', async (t) => {
  let isRefusing = false
  const cache = { ttl: '1s', staleIfError: '1h' }
  const { gateway, clock } = await open(t, {
    policies: [policy('p', [readable('kv/a', { cache })])],
    handlers: { 'read kv/a': answerWith({ data: { a: 1 } }) },
    onEntry: (entry) => {
      if (isRefusing && entry.type === 'request') throw new Error('disk full')
    },
  })
  await gateway.read('kv/a')
  await clock.advance(2_000)
  isRefusing = true
  await assert.rejects(gateway.read('kv/a'), { code: 'ERR_PORTCULLIS_AUDIT_FAILED', phase: 'request' })
})
