import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Bench, bench, HOUR_MS } from './mount.ts'
import { REQUEST } from './served.ts'

const STATIC = { db_name: 'main', username: 'svc', rotation_period: 60, rotation_statements: ['alter'] }

async function withRole(at: Bench): Promise<void> {
  at.database.users.set('svc', { password: 'before', expiresAtMs: 0 })
  assert.equal((await at.call('POST', 'static-roles/s', STATIC)).status, 204)
}

const passwordIn = (at: Bench): string | undefined => at.database.users.get('svc')?.password

test('a credential counts down to its rotation, is rotated on the second, and is then another', async (t) => {
  const at = await bench(t)
  await withRole(at)
  const first = (await at.call('GET', 'static-creds/s')).data
  assert.equal(first.ttl, 60)
  assert.equal(first.password, passwordIn(at))
  assert.deepEqual(at.database.calls.at(-1), ['updateUser', 'svc', ['alter']])
  await at.clock.advance(59_999)
  const late = (await at.call('GET', 'static-creds/s')).data
  assert.equal(late.ttl, 0)
  assert.equal(late.password, first.password)
  await at.clock.advance(1)
  const second = (await at.call('GET', 'static-creds/s')).data
  assert.equal(second.ttl, 60)
  assert.notEqual(second.password, first.password)
  assert.equal(second.password, passwordIn(at))
  assert.equal(Date.parse(second.last_vault_rotation) - Date.parse(first.last_vault_rotation), 60_000)
})

test('a rotation by hand begins the period anew', async (t) => {
  const at = await bench(t)
  await withRole(at)
  await at.clock.advance(40_000)
  assert.equal((await at.call('POST', 'rotate-role/s')).status, 204)
  const { password } = (await at.call('GET', 'static-creds/s')).data
  await at.clock.advance(59_999)
  assert.equal((await at.call('GET', 'static-creds/s')).data.password, password)
  await at.clock.advance(1)
  assert.notEqual((await at.call('GET', 'static-creds/s')).data.password, password)
})

test('a rotation that fails is tried again every ten seconds, told of, and keeps the credential readable', async (t) => {
  const at = await bench(t)
  await withRole(at)
  const before = (await at.call('GET', 'static-creds/s')).data.password
  at.database.trouble = (method) => (method === 'updateUser' ? 'fail-before' : undefined)
  await at.clock.advance(85_000)
  const tries = at.database.calls.filter(([method]) => method === 'updateUser').length - 1
  assert.equal(tries, 3)
  assert.equal((await at.call('GET', 'static-creds/s')).data.password, before)
  assert.equal(at.warnings.length, 3)
  assert.ok(at.warnings.every((text) => text.includes('"role":"s"') && !text.includes(before)))
  at.database.trouble = () => undefined
  await at.clock.advance(10_000)
  assert.equal((await at.call('GET', 'static-creds/s')).data.password, passwordIn(at))
  assert.notEqual(passwordIn(at), before)
})

test('a rotation whose outcome is unknown is gone on with, with the same credential', async (t) => {
  const at = await bench(t)
  await withRole(at)
  at.database.trouble = (method) => (method === 'updateUser' ? 'fail-after' : undefined)
  assert.equal((await at.call('POST', 'rotate-role/s')).status, 500)
  const taken = passwordIn(at)
  at.database.trouble = () => undefined
  await at.clock.advance(10_000)
  assert.equal(passwordIn(at), taken)
  assert.equal((await at.call('GET', 'static-creds/s')).data.password, taken)
})

test('what fell due while nothing ran is rotated at the start, what did not is left', async (t) => {
  const at = await bench(t)
  await withRole(at)
  at.database.users.set('slow', { password: 'x', expiresAtMs: 0 })
  await at.call('POST', 'static-roles/slow', { ...STATIC, username: 'slow', rotation_period: 3_600 })
  const [quick, slow] = [passwordIn(at), at.database.users.get('slow')?.password]
  await at.backend.close()
  await at.clock.advance(30 * 60_000)
  const later = await at.again()
  await later.clock.advance(0)
  assert.notEqual(passwordIn(at), quick)
  assert.equal(at.database.users.get('slow')?.password, slow)
  assert.equal((await later.call('GET', 'static-creds/slow')).data.ttl, 1_800)
})

test('a wall clock set forward is noticed within a minute, or by the periodic call of the host', async (t) => {
  const at = await bench(t)
  at.database.users.set('svc', { password: 'before', expiresAtMs: 0 })
  await at.call('POST', 'static-roles/s', { ...STATIC, rotation_period: 3_600 })
  const first = passwordIn(at)
  at.clock.jumpWall(2 * HOUR_MS)
  await at.backend.handle({ ...REQUEST, operation: 'rollback' }, { timeoutMs: 1_000 })
  await at.clock.advance(0)
  const second = passwordIn(at)
  assert.notEqual(second, first)
  at.clock.jumpWall(2 * HOUR_MS)
  await at.clock.advance(60_000)
  assert.notEqual(passwordIn(at), second)
})

test('a deleted role is rotated no more', async (t) => {
  const at = await bench(t)
  await withRole(at)
  await at.call('DELETE', 'static-roles/s')
  const left = passwordIn(at)
  await at.clock.advance(HOUR_MS)
  assert.equal(passwordIn(at), left)
  assert.equal(at.clock.pending, 0)
})

test('many roles that fall due at once are rotated a few at a time, all of them', async (t) => {
  const at = await bench(t)
  const names = Array.from({ length: 100 }, (_, index) => `u${index}`)
  for (const name of names) {
    at.database.users.set(name, { password: 'before', expiresAtMs: 0 })
    await at.call('POST', `static-roles/${name}`, { ...STATIC, username: name })
  }
  const before = names.map((name) => at.database.users.get(name)?.password)
  await at.clock.advance(60_000)
  await at.clock.advance(1_000)
  const after = names.map((name) => at.database.users.get(name)?.password)
  assert.ok(after.every((password, index) => password !== before[index]))
})

test('a root rotation that fails leaves the connection working, whichever password the database has', async (t) => {
  for (const trouble of ['fail-before', 'fail-after'] as const) {
    const at = await bench(t)
    at.database.trouble = (method) => (method === 'updateUser' ? trouble : undefined)
    assert.equal((await at.call('POST', 'rotate-root/main')).status, 500)
    at.database.trouble = () => undefined
    assert.equal((await at.call('GET', 'creds/app')).status, 200, trouble)
    assert.equal((await at.call('POST', 'rotate-root/main')).status, 204, trouble)
    assert.equal((await at.call('GET', 'creds/app')).status, 200, trouble)
  }
})

test('a change of the root password that comes about after its rotation had failed is still known', async (t) => {
  const at = await bench(t)
  const release = at.database.root
  at.database.trouble = (method) => (method === 'updateUser' ? 'fail-after' : undefined)
  await at.call('POST', 'rotate-root/main')
  const late = at.database.root
  // As if the database had not carried it out yet, and does so when the old password has been tried with success.
  at.database.root = release
  at.database.trouble = () => undefined
  assert.equal((await at.call('GET', 'creds/app')).status, 200)
  at.database.root = late
  assert.equal((await at.call('GET', 'creds/app')).status, 500)
  assert.equal((await at.call('GET', 'creds/app')).status, 200)
})

test('a connection written without a password keeps the one that a rotation is about to settle', async (t) => {
  const at = await bench(t)
  at.database.trouble = (method) => (method === 'updateUser' ? 'fail-after' : undefined)
  await at.call('POST', 'rotate-root/main')
  at.database.trouble = () => undefined
  for (const verify_connection of [false, true])
    assert.equal((await at.call('POST', 'config/main', { allowed_roles: 'app', verify_connection })).status, 204)
  assert.equal((await at.call('GET', 'creds/app')).status, 200)
})

test('users are made before or after a root rotation, never amid one', async (t) => {
  const at = await bench(t)
  const answers = await Promise.all([
    ...Array.from({ length: 20 }, () => at.call('GET', 'creds/app')),
    at.call('POST', 'rotate-root/main'),
    ...Array.from({ length: 20 }, () => at.call('GET', 'creds/app')),
    at.call('POST', 'rotate-root/main'),
    at.call('POST', 'config/main', { allowed_roles: ['app'] }),
    ...Array.from({ length: 20 }, () => at.call('GET', 'creds/app')),
  ])
  assert.deepEqual([...new Set(answers.map(({ status }) => status))].sort(), [200, 204])
  assert.equal(at.database.open, 1)
})
