import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { AUDIT_EVENT_NAMES, type AuditEntry } from '../../lib/model/audit-entry.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { ENTRY_SCHEMA } from '../support/entry-schema.ts'
import { allow, counting, type Handler, minting, open } from './support.ts'

const DB = 'database/creds/app'
const HMAC = /^hmac-sha256:[0-9a-f]{64}$/

/** Events, without those of logins. */
function eventsOf(entries: readonly AuditEntry[], prefix: string): readonly NonNullable<AuditEntry['event']>[] {
  return entries.flatMap(({ event }) => (event?.name.startsWith(prefix) ? [event] : []))
}

const handlers = (more: object = {}): Record<string, Handler> => ({
  [`read ${DB}`]: minting(60_000),
  'write sys/leases/renew': refuse(400) as Handler,
  'write sys/leases/revoke': () => answerWith({ status: 204 }),
  ...more,
})

test('a rotation and the end of its predecessor are recorded, told apart by HMACs of their lease ids', async (t) => {
  const { gateway, clock, entries } = await open(t, { policies: [allow(DB, ['read'])], handlers: handlers() })
  const lease = await gateway.lease(DB)
  await clock.advance(59_000)
  assert.equal(lease.generation, 2)
  await lease.close()
  await gateway.close()
  const events = eventsOf(entries, 'lease.')
  assert.deepEqual(
    events.map(({ name, detail }) => [name, detail.path, detail.how]),
    [
      ['lease.rotated', DB, undefined],
      ['lease.ended', DB, 'released'],
      ['lease.ended', DB, 'released'],
    ],
  )
  const mints = entries.flatMap(({ response }) => response?.secret?.lease_id ?? [])
  assert.deepEqual(
    events.map(({ detail }) => detail.lease_id),
    [mints[1], mints[0], mints[1]],
  )
  for (const { detail } of events) assert.match(String(detail.lease_id), HMAC)
  assert.ok(!JSON.stringify(entries).includes(`${DB}/1`), 'no lease id in clear')
})

test('a lease that could not be revoked is recorded as leaked, with its code, and as ended', async (t) => {
  const { gateway, entries } = await open(t, {
    policies: [allow(DB, ['read'])],
    handlers: handlers({ 'write sys/leases/revoke': refuse(403) }),
  })
  const lease = await gateway.lease(DB)
  await lease.close()
  const [leaked, ended, ...more] = eventsOf(entries, 'lease.')
  assert.deepEqual(leaked, { name: 'lease.leaked', detail: { path: DB, code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' } })
  assert.partialDeepStrictEqual(ended, { name: 'lease.ended', detail: { path: DB, how: 'leaked' } })
  assert.equal(more.length, 0)
})

test('a login that makes no call through the gateway is recorded as an event; one that does, as its call alone', async (t) => {
  const seen = await open(t, {
    auth: {
      ...{ method: 'own', isUnseen: true },
      async login({ send }) {
        await send({ operation: 'write', path: 'auth/own/login', data: { password: 'p' } })
        return counting().login({} as never)
      },
    },
    policies: [allow('kv/a', ['read'])],
    handlers: { 'read kv/a': answerWith({ data: {} }), 'write auth/own/login': answerWith({ status: 204 }) },
  })
  await seen.gateway.read('kv/a')
  assert.deepEqual(eventsOf(seen.entries, 'session.'), [])
  assert.equal(seen.entries.filter(({ request }) => request.path === 'auth/own/login').length, 2)

  const auth = { ...counting(), isUnseen: true }
  const unseen = await open(t, { auth, policies: [allow('kv/a', ['read'])], handlers: { 'read kv/a': answerWith({}) } })
  await unseen.gateway.read('kv/a')
  assert.deepEqual(eventsOf(unseen.entries, 'session.'), [{ name: 'session.login', detail: { method: 'counting' } }])
})

test('a login that failed before it called anyone is recorded, without the words of the failure', async (t) => {
  const login = (): never => {
    throw new Error('secret words')
  }
  const { gateway, entries } = await open(t, {
    auth: { method: 'own', isUnseen: true, login },
    policies: [allow('kv/a', ['read'])],
  })
  await assert.rejects(gateway.read('kv/a'))
  const detail = { method: 'own', code: 'unknown' }
  assert.deepEqual(eventsOf(entries, 'session.'), [{ name: 'session.login_failed', detail }])
  assert.ok(!JSON.stringify(entries).includes('secret words'))
})

test('an event that no device takes stops nothing', async (t) => {
  const { gateway } = await open(t, {
    auth: { ...counting(), isUnseen: true },
    policies: [allow('kv/a', ['read'])],
    handlers: { 'read kv/a': answerWith({ data: { a: 1 } }) },
    onEntry({ type }): void {
      if (type === 'event') throw new Error('no')
    },
  })
  // The login's event was refused; what comes later is not.
  await gateway.read('kv/a').catch(() => {})
  assert.deepEqual((await gateway.read('kv/a')).data, { a: 1 })
})

test('model, schema and README name the same events', () => {
  const event = ENTRY_SCHEMA.$defs.event as { properties: { name: { enum: readonly string[] } } }
  assert.deepEqual([...event.properties.name.enum].sort(), [...AUDIT_EVENT_NAMES].sort())
  const readme = readFileSync(new URL('../../README.md', import.meta.url), 'utf8')
  const table = readme.split('<!-- audit: events -->\n')[1]?.split('\n\n')[0] ?? ''
  const rows = [...table.matchAll(/^\| `([a-z._]+)` \|/gm)].map(([, name]) => name)
  assert.deepEqual(rows.sort(), [...AUDIT_EVENT_NAMES].sort())
})
