import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PluginError } from '../../../lib/errors/index.ts'
import { settle } from '../../../lib/testing/index.ts'
import { bench, CONFIG, HOUR_MS, openEngine, ROLE } from './mount.ts'
import { mounted, REQUEST } from './served.ts'

const GRACE_MS = 5_000

test('a user is made with the statements of its role, and ends a little after its lease', async (t) => {
  const at = await bench(t)
  const { data, lease } = await at.call('GET', 'creds/app')
  const user = at.database.users.get(data.username)
  assert.equal(user?.password, data.password)
  assert.equal(user?.expiresAtMs, at.clock.wallTime() + HOUR_MS + GRACE_MS)
  assert.deepEqual(lease, { renewable: true })
  assert.deepEqual(at.database.calls.at(-1), ['newUser', 'app', ['create']])
})

test('a lease remembers its user, role, connection and how to revoke it', async (t) => {
  const at = await bench(t)
  const { data } = await at.call('GET', 'creds/app')
  const { internalData, ...secret } = at.secret()
  assert.deepEqual(JSON.parse(internalData), {
    username: data.username,
    role: 'app',
    db_name: 'main',
    revocation_statements: ['drop'],
    secret_type: 'creds',
  })
  assert.equal(secret.ttlMs, HOUR_MS)
  assert.equal(secret.maxTtlMs, 2 * HOUR_MS)
})

const ENDS: readonly (readonly [why: string, role: object, ms: number])[] = [
  ['the default TTL of the mount where the role has none', { default_ttl: 0, max_ttl: 0 }, 768 * HOUR_MS],
  ['the max TTL of the role where its TTL is longer', { default_ttl: '3h', max_ttl: '2h' }, 2 * HOUR_MS],
  [
    'the max TTL of the mount where that of the role is longer',
    { default_ttl: '1000h', max_ttl: '9000h' },
    768 * HOUR_MS,
  ],
]
for (const [why, role, ms] of ENDS) {
  test(`a user ends by ${why}`, async (t) => {
    const at = await bench(t)
    await at.call('POST', 'roles/app', role)
    const { data } = await at.call('GET', 'creds/app')
    assert.equal(at.database.users.get(data.username)?.expiresAtMs, at.clock.wallTime() + ms + GRACE_MS)
  })
}

test('a renewal moves the end of the user by the TTLs of the role as they are now', async (t) => {
  const at = await bench(t)
  const { data } = await at.call('GET', 'creds/app')
  const secret = at.secret()
  const end = (): number => (at.database.users.get(data.username)?.expiresAtMs ?? 0) - at.clock.wallTime() - GRACE_MS
  await at.clock.advance(30 * 60_000)
  await at.renew(secret)
  assert.equal(end(), HOUR_MS)
  await at.renew(secret, 600)
  assert.equal(end(), 600_000)
  await at.renew(secret, 9 * 3_600)
  assert.equal(end(), 1.5 * HOUR_MS)
  await at.call('POST', 'roles/app', { default_ttl: '10m', max_ttl: '20m' })
  const refused = await at.renew(secret)
  assert.match(refused.errors?.[0] ?? '', /past the max TTL, cannot renew/)
  assert.deepEqual(at.database.calls.at(-1), ['updateUser', data.username, ['renew']])
})

test('a renewal gives the lease back as it was, with the TTLs of now', async (t) => {
  const at = await bench(t)
  await at.call('GET', 'creds/app')
  await at.call('POST', 'roles/app', { default_ttl: '10m' })
  const secret = { ...at.secret(), leaseId: 'database/creds/app/1' }
  const { response } = await at.backend.handle({ ...REQUEST, operation: 'renew', secret }, { timeoutMs: 1_000 })
  assert.deepEqual(response?.secret, { ...secret, ttlMs: 600_000 })
  assert.equal(response?.data, 'null')
})

test('a revocation drops the user by the statements of the role, or of the lease where the role is gone', async (t) => {
  const at = await bench(t)
  await at.call('GET', 'creds/app')
  const first = at.secret()
  await at.call('GET', 'creds/app')
  const second = at.secret()
  await at.call('POST', 'roles/app', { revocation_statements: ['later'] })
  assert.equal((await at.revoke(first)).status, 204)
  assert.deepEqual(at.database.calls.at(-1)?.[2], ['later'])
  await at.call('DELETE', 'roles/app')
  assert.equal((await at.revoke(second)).status, 204)
  assert.deepEqual(at.database.calls.at(-1)?.[2], ['drop'])
  assert.equal(at.database.users.size, 0)
})

test('a lease of someone else is refused', async (t) => {
  const at = await bench(t)
  await at.call('GET', 'creds/app')
  for (const internalData of ['{}', 'null', '[]', '{"secret_type":"other"}', 'x']) {
    const { errors } = await at.revoke({ ...at.secret(), internalData })
    assert.match(errors?.[0] ?? '', /err: secret is unsupported by this backend$/)
  }
  assert.equal(at.database.users.size, 1)
})

test('a role that the connection does not allow makes no user', async (t) => {
  const at = await bench(t)
  await at.call('POST', 'config/main', { allowed_roles: 'other' })
  const { status, errors } = await at.call('GET', 'creds/app')
  assert.equal(status, 500)
  assert.deepEqual(errors, ['1 error occurred:\n\t* "app" is not an allowed role\n\n'])
  assert.equal(at.database.users.size, 0)
})

test('a driver that can make keys gets the public one, and the caller the private one', async (t) => {
  const at = await bench(t)
  at.database.returned = { supported_credential_types: ['password', 'rsa_private_key'] }
  await at.call('POST', 'config/main', CONFIG)
  await at.call('POST', 'roles/app', { ...ROLE, credential_type: 'rsa_private_key' })
  const { data } = await at.call('GET', 'creds/app')
  assert.match(data.rsa_private_key, /^-----BEGIN PRIVATE KEY-----\n/)
  assert.match(at.database.users.get(data.username)?.password ?? '', /^-----BEGIN PUBLIC KEY-----\n/)
  assert.deepEqual(Object.keys(data).sort(), ['rsa_private_key', 'username'])
})

test('secrets in the words of a driver are replaced', async (t) => {
  const at = await bench(t)
  at.database.root = 'another'
  const { errors } = await at.call('POST', 'config/main', { allowed_roles: '*' })
  assert.deepEqual(errors, ['error creating database object: access denied for root with [password]'])
})

test('a user that nobody waits for any more is dropped again', async (t) => {
  const at = await bench(t)
  const ending = new AbortController()
  const answered = at.backend.handle(
    { ...REQUEST, operation: 'read', path: 'creds/app' },
    { timeoutMs: 1_000, signal: ending.signal },
  )
  ending.abort(new Error('gone'))
  await assert.rejects(answered, /gone/)
  await settle()
  assert.deepEqual(
    at.database.calls.slice(-2).map(([method]) => method),
    ['newUser', 'deleteUser'],
  )
  assert.equal(at.database.users.size, 0)
})

test('a driver that hangs holds up its own connection alone, and no longer than the call may take', async (t) => {
  const at = await bench(t)
  await at.call('POST', 'config/other', CONFIG)
  await at.call('POST', 'roles/other', { ...ROLE, db_name: 'other' })
  let isFirst = true
  at.database.trouble = (method) => {
    if (method !== 'newUser' || !isFirst) return undefined
    isFirst = false
    return 'hang'
  }
  const hung = at.backend.handle({ ...REQUEST, operation: 'read', path: 'creds/app' }, { timeoutMs: 5_000 })
  const failed = assert.rejects(hung, { code: 'ERR_PORTCULLIS_PLUGIN_TIMEOUT', mayHaveHappened: true })
  await settle()
  assert.equal((await at.call('GET', 'creds/other')).status, 200)
  assert.equal((await at.call('GET', 'creds/app')).status, 200)
  await at.clock.advance(5_000)
  await failed
  at.database.release()
})

test('a connection whose driver hangs can be written anew once the call is over time', async (t) => {
  const at = await bench(t)
  at.database.trouble = (method) => (method === 'newUser' ? 'hang' : undefined)
  const hung = at.call('GET', 'creds/app').then(
    () => 'ended',
    (error: Error) => error.message,
  )
  await at.clock.advance(40_000)
  const written = at.call('POST', 'config/main', CONFIG)
  await at.clock.advance(50_000)
  assert.match(await hung, /gave no answer within 60000 ms/)
  assert.equal((await written).status, 204)
  at.database.release()
})

test('a hundred at once open one driver', async (t) => {
  const at = await bench(t)
  const later = await at.again()
  const before = at.database.open
  const all = await Promise.all(Array.from({ length: 100 }, () => later.call('GET', 'creds/app')))
  assert.ok(all.every(({ status }) => status === 200))
  assert.equal(at.database.open, before + 1)
})

test('a driver is closed when its connection is written, reset or deleted, and all with the engine', async (t) => {
  const at = await bench(t)
  const counts = [at.database.open]
  await at.call('POST', 'config/main', { allowed_roles: '*' })
  counts.push(at.database.open)
  await at.call('POST', 'reset/main')
  counts.push(at.database.open)
  await at.call('POST', 'config/main', { password: 'wrong' })
  counts.push(at.database.open)
  await at.call('DELETE', 'config/main')
  counts.push(at.database.open)
  await at.call('POST', 'config/main', CONFIG)
  await at.backend.close()
  counts.push(at.database.open)
  assert.deepEqual(counts, [1, 1, 1, 1, 0, 0])
  assert.equal(at.clock.pending, 0)
  await assert.rejects(at.call('GET', 'roles/app'), { code: 'ERR_PORTCULLIS_PLUGIN_UNAVAILABLE' })
})

test('a driver that does not start is tried again by the next call', async (t) => {
  const at = await bench(t)
  let failures = 2
  const backend = await openEngine(at.clock, at.store, at.database, undefined, async () => {
    failures -= 1
    if (failures >= 0) throw new PluginError('ERR_PORTCULLIS_PLUGIN_START', 'the plugin "fake" did not start')
    return at.database.driver()
  })
  t.after(() => backend.close())
  const other = mounted(backend, () => at.clock.wallTime())
  const statuses = []
  for (let call = 0; call < 3; call += 1) statuses.push((await other.call('GET', 'creds/app')).status)
  assert.deepEqual(statuses, [500, 500, 200])
})

test('names that are no names, and keys that are no fields, do no harm', async (t) => {
  const at = await bench(t)
  for (const path of ['roles/../x', 'roles/__proto__/x', 'roles/-', 'roles/%2e', 'roles/a b', 'roles/é'])
    assert.equal((await at.call('GET', path)).status, 404)
  const body = JSON.parse('{"db_name":"main","__proto__":{"x":1},"constructor":1,"toString":2}')
  assert.equal((await at.call('POST', 'roles/constructor', body)).status, 204)
  assert.equal((await at.call('POST', 'config/odd', { ...CONFIG, ...body })).status, 204)
  assert.equal((await at.call('GET', 'roles/toString')).status, 404)
})
