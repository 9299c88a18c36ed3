import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntry } from '../lib/model/audit-entry.ts'
import type { AuditRecord } from '../lib/ports/audit-device.ts'
import type { TransportOptions, TransportRequest } from '../lib/ports/transport.ts'
import { settle } from '../lib/testing/fake-clock.ts'
import { answerWith, grant, refuse } from '../lib/testing/scripted-transport.ts'
import {
  allow,
  counting,
  foreign,
  gate,
  type Handler,
  minting,
  open,
  policy,
  readable,
  shape,
  tokenGrant,
  tokenOf,
} from './pipeline/support.ts'

const forbid = refuse(403) as Handler

const DB = allow('database/creds/app', ['read'])

test('a dynamic secret is minted once and served from its lease', async (t) => {
  const { gateway, server, entries } = await open(t, {
    policies: [DB],
    handlers: { 'read database/creds/app': minting(60_000) },
  })

  const first = await gateway.read('database/creds/app')
  const second = await gateway.read('database/creds/app')

  assert.equal(first.source, 'server')
  assert.equal(second.source, 'cache')
  assert.deepEqual(second.data, first.data)
  assert.equal(server.count('read database/creds/app'), 1)
  assert.deepEqual(shape(foreign(entries)), ['request allow', 'response allow server', 'response allow cache'])
})

test('a lease that is not kept alive ends on time by the monotonic clock', async (t) => {
  const { gateway, clock } = await open(t, {
    policies: [DB],
    leases: { idleMs: 0 },
    handlers: { 'read database/creds/app': minting(60_000) },
  })
  await gateway.read('database/creds/app')
  await clock.advance(59_999)
  assert.equal((await gateway.read('database/creds/app')).ttlMs, 1)
  await clock.advance(1)
  assert.equal((await gateway.read('database/creds/app')).data.username, 'user-2')
})

test('a lease ends when the wall clock has jumped past its end', async (t) => {
  const { gateway, clock } = await open(t, { policies: [DB], handlers: { 'read database/creds/app': minting(60_000) } })
  await gateway.read('database/creds/app')
  clock.jumpWall(60_000)
  assert.equal((await gateway.read('database/creds/app')).data.username, 'user-2')
})

test('a wall clock that goes back does not lengthen a lease', async (t) => {
  const { gateway, clock } = await open(t, { policies: [DB], handlers: { 'read database/creds/app': minting(60_000) } })
  await gateway.read('database/creds/app')
  clock.jumpWall(-3_600_000)
  await clock.advance(60_000)
  assert.equal((await gateway.read('database/creds/app')).data.username, 'user-2')
})

test('a lease ends with the token that minted it', async (t) => {
  const handlers = { 'read database/creds/app': minting(3_600_000) }
  const { gateway, clock } = await open(t, { policies: [DB], handlers, auth: counting(10_000) })
  assert.equal((await gateway.read('database/creds/app')).ttlMs, 10_000)
  await clock.advance(10_000)
  assert.equal((await gateway.read('database/creds/app')).data.username, 'user-2')
})

test('a lease of duration 0 is never kept', async (t) => {
  const { gateway } = await open(t, { policies: [DB], handlers: { 'read database/creds/app': minting(0) } })
  const first = await gateway.read('database/creds/app')
  assert.equal(first.ttlMs, 0)
  assert.equal((await gateway.read('database/creds/app')).data.username, 'user-2')
  assert.equal((await gateway.health()).cache.entries, 0)
})

test('what a token minted is not served once the token is found dead', async (t) => {
  let isDead = false
  const onlyNew = (next: ReturnType<typeof answerWith>) => (request: TransportRequest, options: TransportOptions) =>
    isDead && tokenOf(request) === 's.1' ? forbid(request, options) : next
  const { gateway, clock } = await open(t, {
    policies: [policy('p', [readable('database/creds/app'), readable('kv/a')])],
    handlers: {
      'read database/creds/app': minting(3_600_000),
      'read kv/a': onlyNew(answerWith({ data: { a: 1 } })),
      'read auth/token/lookup-self': onlyNew(answerWith({ data: {} })),
    },
  })
  await gateway.read('database/creds/app')
  await clock.advance(2_000)
  isDead = true
  assert.equal((await gateway.read('kv/a')).data.a, 1)
  assert.equal((await gateway.read('database/creds/app')).data.username, 'user-2')
})

test('close() is idempotent, waits for what is in flight, revokes the token, and refuses new calls', async (t) => {
  const { opened, open: release } = gate()
  const { gateway, server } = await open(t, {
    policies: [policy('p', [readable('kv/a')])],
    handlers: {
      'read kv/a': async () => {
        await opened
        return answerWith({ data: { a: 1 } })
      },
    },
  })
  const reading = gateway.read('kv/a')
  const closing = gateway.close()
  await assert.rejects(gateway.read('kv/a'), { code: 'ERR_PORTCULLIS_GATEWAY_CLOSED' })
  assert.equal(server.count('write auth/token/revoke-self'), 0)
  release()
  assert.equal((await reading).data.a, 1)
  await closing
  await gateway.close()
  assert.equal(server.count('write auth/token/revoke-self'), 1)
  assert.equal(server.isClosed, true)
})

test('close() waits for a flight whose caller has gone', async (t) => {
  const { opened, open: release } = gate()
  const { gateway, server, entries } = await open(t, {
    policies: [DB],
    handlers: {
      'read database/creds/app': async () => {
        await opened
        return grant({ ttlMs: 1000 })
      },
    },
  })
  const aborted = new AbortController()
  const reading = gateway.read('database/creds/app', { signal: aborted.signal })
  await settle()
  aborted.abort(new Error('gone'))
  await assert.rejects(reading, { message: 'gone' })
  const closing = gateway.close()
  await settle()
  assert.equal(server.isClosed, false)
  release()
  await closing
  assert.deepEqual(shape(foreign(entries)), ['request allow', 'response allow server'])
})

test('a failing transport does not keep close() from flushing the audit', async (t) => {
  let isClosed = false
  const device = {
    name: 'closing',
    open: async () => {},
    write: () => {},
    close: async () => {
      isClosed = true
    },
  }
  const { gateway, server } = await open(t, {
    audit: { devices: [{ device, required: true, timeoutMs: 1000, queueSize: 10 }] },
  })
  server.close = async () => {
    throw new Error('cannot close')
  }
  await assert.rejects(gateway.close(), { message: 'cannot close' })
  assert.equal(isClosed, true)
  t.mock.method(gateway, 'close', async () => {}) // for the hook that closes what a test leaves open
})

test('an unknown option of a call is refused, and nothing is sent', async (t) => {
  const { gateway, server } = await open(t, { policies: [DB] })
  const misspelt = { dryrun: true } as never
  assert.throws(() => gateway.read('database/creds/app', misspelt), TypeError)
  assert.throws(() => gateway.read('database/creds/app', { creationPath: 'x' } as never), TypeError)
  assert.throws(() => gateway.read('database/creds/app', { dryRun: 'true' } as never), TypeError)
  assert.throws(() => gateway.read('database/creds/app', { timeoutMs: 0 }), RangeError)
  assert.throws(() => gateway.read('database/creds/app', { timeoutMs: '5' } as never), TypeError)
  assert.throws(() => gateway.read('database/creds/app', { traceparent: 5 } as never), TypeError)
  assert.deepEqual(server.sent(), [])
})

test('a dry run decides and sends nothing', async (t) => {
  const { gateway, server, entries } = await open(t, { policies: [DB] })
  const answer = await gateway.read('database/creds/app', { dryRun: true })
  assert.equal(answer.source, 'dry-run')
  assert.equal(answer.decision.rule, 'it')
  await assert.rejects(gateway.read('kv/a', { dryRun: true }), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  assert.deepEqual(server.sent(), [])
  assert.deepEqual(shape(entries), ['request deny ERR_PORTCULLIS_POLICY_DENIED'])
})

test('a dry run of an unwrapping sends nothing either', async (t) => {
  const { gateway, server } = await open(t, { policies: [allow('sys/wrapping/unwrap', ['write'])] })
  await gateway.unwrap('s.wrapping', { dryRun: true, creationPath: 'kv/a' })
  assert.deepEqual(server.sent(), [])
})

test('explain() gives the decision and sends nothing', async (t) => {
  const { gateway, server, entries } = await open(t, { policies: [DB] })
  assert.equal(gateway.explain({ operation: 'read', path: 'database/creds/app' }).decision.effect, 'allow')
  assert.equal(gateway.explain({ operation: 'write', path: 'database/creds/app' }).decision.effect, 'deny')
  assert.deepEqual(server.sent(), [])
  assert.deepEqual(entries, [])
})

test('explain() gives the refusal of a path that no policy is asked about', async (t) => {
  const { gateway } = await open(t, { policies: [DB] })
  const { decision, rules } = gateway.explain({ operation: 'read', path: 'database/../sys/mounts' })
  assert.deepEqual([decision.effect, decision.reason, rules], ['deny', 'path', []])
})

test('who may not unwrap learns nothing about a wrapping token', async (t) => {
  const { gateway, server } = await open(t, { policies: [DB] })
  const unwrapping = gateway.unwrap('s.wrapping', { creationPath: 'kv/a' })
  await assert.rejects(unwrapping, { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  assert.deepEqual(server.sent(), [])
})

test('a wrapping token made elsewhere is not unwrapped, and the attempt is recorded', async (t) => {
  const { gateway, server, entries, events } = await open(t, {
    policies: [allow('sys/wrapping/unwrap', ['write'])],
    handlers: { 'write sys/wrapping/lookup': answerWith({ data: { creation_path: 'cubbyhole/evil' } }) },
  })
  const unwrapping = gateway.unwrap('s.wrapping', { creationPath: 'auth/approle/role/app/secret-id' })
  await assert.rejects(unwrapping, { code: 'ERR_PORTCULLIS_UNWRAP_MISMATCH' })
  assert.equal(server.count('write sys/wrapping/unwrap'), 0)
  assert.deepEqual(shape(foreign(entries)), ['request deny ERR_PORTCULLIS_UNWRAP_MISMATCH'])
  assert.deepEqual(
    events.map(({ name }) => name),
    ['denied'],
  )
})

test('a wrapping token made where it was told is unwrapped once', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [allow('sys/wrapping/unwrap', ['write'])],
    handlers: {
      'write sys/wrapping/lookup': answerWith({ data: { creation_path: 'kv/a' } }),
      'write sys/wrapping/unwrap': answerWith({ data: { inside: 1 } }),
    },
  })
  assert.equal((await gateway.unwrap('s.wrapping', { creationPath: 'kv/a' })).data.inside, 1)
  assert.equal(server.count('write sys/wrapping/unwrap'), 1)
})

test('a login of a caller goes out without a token and gives it the token', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [allow('auth/userpass/login/bob', ['write'])],
    handlers: { 'write auth/userpass/login/bob': answerWith({ auth: tokenGrant('s.bob', 5_000) }) },
  })
  const { auth } = await gateway.login('auth/userpass/login/bob', { password: 'secret' })
  assert.equal(auth?.token, 's.bob')
  assert.equal(server.requests[0]?.token, undefined)
})

test('more calls than maxInFlight are refused, and let in again later', async (t) => {
  const { opened, open: release } = gate()
  const { gateway } = await open(t, {
    policies: [policy('p', [readable('kv/a')])],
    maxInFlight: 2,
    handlers: {
      'read kv/a': async () => {
        await opened
        return answerWith({ data: {} })
      },
    },
  })
  const readings = [gateway.read('kv/a'), gateway.read('kv/a')]
  await assert.rejects(gateway.read('kv/a'), { code: 'ERR_PORTCULLIS_GATEWAY_CAPACITY' })
  release()
  await Promise.all(readings)
  assert.equal((await gateway.read('kv/a')).source, 'server')
})

test('listeners that throw or reject do not break a request', async (t) => {
  const { gateway, events } = await open(t, { policies: [DB] })
  gateway.on('denied', () => {
    throw new Error('listener')
  })
  gateway.on('denied', async () => {
    throw new Error('listener')
  })
  await assert.rejects(gateway.read('kv/a'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  await settle()
  assert.deepEqual(
    events.map(({ name }) => name),
    ['denied', 'warning', 'warning'],
  )
})

test('health says why a request would have no chance', async (t) => {
  const { gateway, server } = await open(t)
  server.on('read sys/health', answerWith({ data: { sealed: false, standby: false, version: '2.7.2' } }))
  const health = await gateway.health()
  assert.equal(health.ok, true)
  assert.deepEqual(health.server, { reachable: true, sealed: false, standby: false, version: '2.7.2' })
  server.on('read sys/health', answerWith({ data: { sealed: true } }))
  assert.deepEqual((await gateway.health()).reasons, ['the server is sealed'])
  server.on('read sys/health', refuse(0) as never)
  assert.match((await gateway.health()).reasons[0] ?? '', /^ERR_PORTCULLIS_SERVER_UNREACHABLE/)
})

test('health is not ok while a required audit device takes nothing, and is again once it does', async (t) => {
  let isFull = false
  const written: unknown[] = []
  const write = (records: readonly AuditRecord[]): void => {
    if (isFull) throw new Error('no space left')
    written.push(...records.map(({ entry }) => (entry as AuditEntry).event?.name ?? entry.type))
  }
  const device = { name: 'disk', open: async () => {}, write, close: async () => {} }
  const limits = { timeoutMs: 1000, queueSize: 10 }
  const lossy = {
    device: { ...device, name: 'lossy', write: () => Promise.reject(new Error()) },
    required: false,
    ...limits,
  }
  const { gateway, server } = await open(t, {
    policies: [DB],
    audit: { devices: [{ device, required: true, ...limits }, lossy] },
    handlers: { 'read database/creds/app': minting(60_000) },
  })
  server.on('read sys/health', answerWith({ data: { sealed: false } }))
  await gateway.read('database/creds/app')
  assert.equal((await gateway.health()).ok, true)
  isFull = true
  await assert.rejects(gateway.read('database/creds/app'), { code: 'ERR_PORTCULLIS_AUDIT_FAILED' })
  for (const round of ['first', 'second']) {
    const { ok, reasons } = await gateway.health()
    assert.deepEqual(
      { ok, reasons },
      { ok: false, reasons: ['the required audit device disk takes no entries'] },
      round,
    )
  }
  isFull = false
  assert.equal((await gateway.health()).ok, true)
  assert.equal(written.at(-1), 'audit.tried')
})

test('a required audit device that hangs fails health within its time limit, without another wait', async (t) => {
  const held = Promise.withResolvers<void>()
  let isHanging = false
  const write = (): Promise<void> | void => (isHanging ? held.promise : undefined)
  const device = { name: 'slow', open: async () => {}, write, close: async () => {} }
  const { gateway, server, clock } = await open(t, {
    policies: [DB],
    audit: { devices: [{ device, required: true, timeoutMs: 1000, queueSize: 10 }] },
    handlers: { 'read database/creds/app': minting(60_000) },
  })
  server.on('read sys/health', answerWith({ data: { sealed: false } }))
  isHanging = true
  const refused = assert.rejects(gateway.read('database/creds/app'), { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT' })
  await clock.advance(1000)
  await refused
  assert.deepEqual((await gateway.health()).reasons, ['the required audit device slow takes no entries'])
  isHanging = false
  held.resolve()
  await settle()
  assert.equal((await gateway.health()).ok, true)
})

test('without policies everything is denied, and nothing is sent', async (t) => {
  const { gateway, server } = await open(t)
  for (const operation of ['read', 'list', 'delete'] as const) {
    await assert.rejects(gateway[operation]('kv/a'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  }
  await assert.rejects(gateway.write('kv/a', {}), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  await assert.rejects(gateway.patch('kv/a', {}), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  assert.deepEqual(server.sent(), [])
})

test('dangerouslyAllowEverything lets everything through, recorded', async (t) => {
  const { gateway, entries } = await open(t, {
    dangerouslyAllowEverything: true,
    handlers: { 'write kv/a': answerWith({ status: 204 }) },
  })
  assert.equal((await gateway.write('kv/a', { a: 1 })).status, 204)
  assert.deepEqual(
    entries.map(({ decision }) => decision.reason),
    ['unrestricted', 'unrestricted'],
  )
})

test('a device that cannot be opened keeps the gateway from starting', async (t) => {
  const device = {
    name: 'broken',
    open: () => Promise.reject(new Error('disk full')),
    write: () => {},
    close: async () => {},
  }
  const opening = open(t, { audit: { devices: [{ device, required: true, timeoutMs: 1000, queueSize: 10 }] } })
  await assert.rejects(opening, { code: 'ERR_PORTCULLIS_AUDIT_UNUSABLE' })
})
