import assert from 'node:assert/strict'
import { test } from 'node:test'
import { StorageError } from '../../../lib/errors/index.ts'
import type { BackendReply, BackendRequest } from '../../../lib/model/backend.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { type Script, said, secretOf } from './scripted-plugins.ts'
import { type World, world } from './world.ts'

const MINUTE = 60_000
const MOUNTS = { mounts: { tf: { type: 'tf', defaultLeaseTtlMs: 10 * MINUTE, maxLeaseTtlMs: 60 * MINUTE } } }

interface Creds extends Script {
  /** Revocations that fail before one succeeds. */
  fails: number
  revokeError: BackendReply
  renewReply: BackendReply
  /** Ids of credentials that live, by the plugin. */
  readonly alive: Set<number>
}

/** A plugin that mints, renews and revokes; what lives is told by its own set. */
function creds(ttlMs = 0): Creds {
  let count = 0
  const alive = new Set<number>()
  return {
    fails: 0,
    revokeError: { error: { kind: 'other', message: 'cannot reach it', status: 0 } },
    renewReply: {},
    alive,
    handle(request): BackendReply {
      if (request.operation === 'read') {
        const id = ++count
        alive.add(id)
        return said({ user: `u${id}` }, { secret: secretOf({ ttlMs, internalData: JSON.stringify({ id }) }) })
      }
      if (request.operation === 'renew') return this.renewReply
      if (this.fails-- > 0) return this.revokeError
      alive.delete(JSON.parse(request.secret?.internalData ?? '{}').id)
      return {}
    },
  }
}

async function mint({ ask }: World): Promise<string> {
  return (await ask('read', 'tf/creds/r')).leaseId
}

/** The times of revocations, in seconds from now. */
async function revocationsWithin(it: World, seconds: number): Promise<readonly number[]> {
  const times: number[] = []
  let seen = it.plugins.of('revoke').length
  for (let second = 0; second <= seconds; second += 1) {
    await it.clock.advance(second === 0 ? 0 : 1000)
    const now = it.plugins.of('revoke').length
    for (; seen < now; seen += 1) times.push(second)
  }
  return times
}

test('a lease has the shape of the server', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  const answer = await it.ask('read', 'tf/creds/r')
  assert.match(answer.leaseId, /^tf\/creds\/r\/[A-Za-z0-9]{24}$/)
  assert.deepEqual([answer.leaseDurationMs, answer.renewable, answer.data], [10 * MINUTE, true, { user: 'u1' }])
  const { data } = await it.ask('write', 'sys/leases/lookup', { data: { lease_id: answer.leaseId } })
  assert.deepEqual(data, {
    expire_time: '2026-01-01T00:10:00.000Z',
    id: answer.leaseId,
    issue_time: '2026-01-01T00:00:00.000Z',
    last_renewal: null,
    path: 'tf/creds/r',
    renewable: true,
    ttl: 600,
  })
})

test('at its end a lease is revoked with what the plugin gave, and its id', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  const id = await mint(it)
  await it.clock.advance(10 * MINUTE - 1)
  assert.equal(it.plugins.of('revoke').length, 0)
  await it.clock.advance(1)
  const [request] = it.plugins.of('revoke')
  assert.equal(request?.path, 'creds/r')
  assert.deepEqual(JSON.parse(request?.data ?? ''), { user: 'u1' })
  assert.deepEqual([request?.secret?.leaseId, request?.secret?.internalData], [id, '{"id":1}'])
  assert.equal(request?.secret?.issuedAtMs, Date.UTC(2026, 0, 1))
  assert.deepEqual([request?.id, request?.clientTokenAccessor], ['', ''])
  assert.equal(script.alive.size, 0)
  assert.equal(await it.refusal('write', 'sys/leases/lookup', { data: { lease_id: id } }), '400: invalid lease')
  assert.deepEqual(
    it.events.filter(({ name }) => name.startsWith('lease')).map(({ name, path }) => [name, path]),
    [['lease-expired', 'tf/creds/r']],
  )
})

test('a renewal asks the plugin with the stored secret, and stores what it answers in its place', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  const id = await mint(it)
  await it.clock.advance(5 * MINUTE)
  script.renewReply = said(null, { secret: secretOf({ internalData: '{"id":1,"v":2}' }) })
  const renewed = await it.ask('write', 'sys/leases/renew', { data: { lease_id: id, increment: 1200 } })
  assert.deepEqual(
    [renewed.leaseId, renewed.leaseDurationMs, renewed.renewable, renewed.data],
    [id, 20 * MINUTE, true, undefined],
  )
  const [first] = it.plugins.of('renew')
  assert.deepEqual([first?.path, first?.data, first?.secret?.leaseId], ['creds/r', '{"user":"u1"}', ''])
  assert.deepEqual([first?.secret?.incrementMs, first?.secret?.issuedAtMs], [20 * MINUTE, Date.UTC(2026, 0, 1)])
  await it.ask('write', 'sys/leases/renew', { data: { lease_id: id } })
  const [, second] = it.plugins.of('renew')
  assert.deepEqual([second?.data, second?.secret?.internalData], ['null', '{"id":1,"v":2}'])
  await it.ask('write', 'sys/leases/revoke', { data: { lease_id: id, sync: true } })
  assert.deepEqual(
    it.plugins.of('revoke').map(({ data, secret }) => [data, secret?.internalData]),
    [['null', '{"id":1,"v":2}']],
  )
})

test('a renewal never passes the max since the issue, and says so', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  const id = await mint(it)
  script.renewReply = said(null, { secret: secretOf({ internalData: '{"id":1}' }) })
  await it.clock.advance(9 * MINUTE)
  const capped = await it.ask('write', 'sys/leases/renew', { data: { lease_id: id, increment: 99_999 } })
  assert.equal(capped.leaseDurationMs, 51 * MINUTE)
  assert.deepEqual(capped.warnings, [
    'TTL of "27h46m39s" exceeded the effective max_ttl of "51m"; TTL value is capped accordingly',
  ])
  await it.clock.advance(51 * MINUTE)
  assert.equal(script.alive.size, 0)
})

test('without a secret in the answer a renewal changes nothing, and a refusal is told', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  const id = await mint(it)
  await it.clock.advance(MINUTE)
  assert.equal((await it.ask('write', 'sys/leases/renew', { data: { lease_id: id } })).leaseDurationMs, 9 * MINUTE)
  script.renewReply = said({ error: 'role is gone' })
  assert.equal(
    await it.refusal('write', 'sys/leases/renew', { data: { lease_id: id } }),
    '400: failed to renew entry: role is gone',
  )
  await it.clock.advance(9 * MINUTE)
  assert.equal(script.alive.size, 0)
})

test('words of the server for what is no lease, not renewable or not named', async (t) => {
  const script = creds()
  const it = await world(
    t,
    { tf: script, fixed: { handle: () => said({}, { secret: secretOf({ renewable: false }) }) } },
    { mounts: { ...MOUNTS.mounts, fixed: { type: 'fixed' } } },
  )
  for (const path of ['lookup', 'renew', 'revoke'])
    assert.equal(await it.refusal('write', `sys/leases/${path}`, { data: {} }), '400: lease_id must be specified')
  assert.equal(await it.refusal('write', 'sys/leases/lookup', { data: { lease_id: 'a/b' } }), '400: invalid lease')
  assert.equal(await it.refusal('write', 'sys/leases/renew', { data: { lease_id: 'a/b' } }), '400: lease not found')
  assert.equal((await it.ask('write', 'sys/leases/revoke', { data: { lease_id: 'a/b' } })).status, 204)
  const { leaseId } = await it.ask('read', 'fixed/x')
  assert.equal(
    await it.refusal('write', 'sys/leases/renew', { data: { lease_id: leaseId } }),
    '400: lease is not renewable',
  )
})

test('a failed revocation is tried again, later and later, and left to an operator after six', async (t) => {
  const script = creds()
  script.fails = Infinity
  const it = await world(t, { tf: script }, MOUNTS, { random: fixedFraction(0.5) })
  const id = await mint(it)
  await it.clock.advance(10 * MINUTE - 1000)
  const times = await revocationsWithin(it, 700)
  assert.deepEqual(times, [1, 11, 31, 71, 151, 311])
  const lookedUp = await it.ask('write', 'sys/leases/lookup', { data: { lease_id: id } })
  assert.deepEqual([lookedUp.data?.ttl, lookedUp.data?.renewable], [-1, false])
  const counted = await it.ask('read', 'sys/leases', { token: it.operator })
  assert.deepEqual(counted.data, { counts: { 'tf/creds/r': 1 }, lease_count: 1 })
  assert.deepEqual(
    it.events.filter(({ name }) => name === 'lease-irrevocable').map(({ attempts, code }) => [attempts, code]),
    [[6, 'other']],
  )
  // A restart does not begin anew, an operator does.
  await it.restart()
  assert.deepEqual(await revocationsWithin(it, 30), [])
  script.fails = 0
  await it.ask('write', 'sys/leases/revoke', { token: it.operator, data: { lease_id: id } })
  await it.clock.advance(0)
  assert.equal(script.alive.size, 0)
})

test('the first failures of a revocation are made good', async (t) => {
  const script = creds()
  script.fails = 3
  const it = await world(t, { tf: script }, MOUNTS, { random: fixedFraction(0) })
  await mint(it)
  await it.clock.advance(10 * MINUTE - 1000)
  assert.deepEqual(await revocationsWithin(it, 60), [1, 6, 16, 36])
  assert.equal(script.alive.size, 0)
})

for (const kind of ['unrecoverable', 'unsupported-operation', 'unsupported-path', 'invalid-request'] as const) {
  test(`after "${kind}" no revocation is tried again`, async (t) => {
    const script = creds()
    script.fails = Infinity
    script.revokeError = { error: { kind, message: kind, status: 0 } }
    const it = await world(t, { tf: script }, MOUNTS)
    await mint(it)
    await it.clock.advance(10 * MINUTE + 1000 * MINUTE)
    assert.equal(it.plugins.of('revoke').length, 1)
    assert.ok(it.events.some(({ name }) => name === 'lease-irrevocable'))
  })
}

test('a revocation that is waited for tells its failure, and the lease is as it was', async (t) => {
  const script = creds()
  script.fails = 1
  const it = await world(t, { tf: script }, MOUNTS)
  const id = await mint(it)
  const words = await it.refusal('write', 'sys/leases/revoke', { data: { lease_id: id, sync: true } })
  assert.equal(words, '400: failed to revoke entry: resp: (*logical.Response)(nil) err: cannot reach it')
  const { data } = await it.ask('write', 'sys/leases/lookup', { data: { lease_id: id } })
  assert.deepEqual([data?.ttl, data?.renewable], [600, true])
  assert.equal((await it.ask('write', 'sys/leases/revoke', { data: { lease_id: id, sync: true } })).status, 204)
})

test('a force drops what the plugin does not let go of', async (t) => {
  const script = creds()
  script.fails = Infinity
  const it = await world(t, { tf: script }, MOUNTS)
  await mint(it)
  await it.ask('write', 'sys/leases/revoke-force/tf', { token: it.operator, data: {} })
  assert.deepEqual(it.host.operator.leases(), [])
  assert.ok(it.events.some(({ name }) => name === 'lease-dropped'))
})

test('a prefix revokes what lies below it at a slash, and lists it', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  for (const path of ['tf/creds/a', 'tf/creds/a', 'tf/creds/ab']) await it.ask('read', path)
  const { operator: token } = it
  assert.deepEqual((await it.ask('list', 'sys/leases/lookup', { token })).data, { keys: ['tf/'] })
  assert.deepEqual((await it.ask('list', 'sys/leases/lookup/tf/creds', { token })).data, { keys: ['a/', 'ab/'] })
  assert.equal(await it.refusal('list', 'sys/leases/lookup/zz', { token }), '404: ')
  await it.ask('write', 'sys/leases/revoke-prefix/tf/creds/a', { token, data: { sync: true } })
  assert.deepEqual(
    it.host.operator.leases().map((id) => id.slice(0, 12)),
    ['tf/creds/ab/'],
  )
})

test('leases end with the token that took them, at its end and at its revocation', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  await mint(it)
  await it.ask('write', 'auth/token/revoke-self', { data: {} })
  await it.clock.advance(0)
  assert.equal(script.alive.size, 0)
  assert.equal(await it.refusal('read', 'tf/creds/r'), '403: permission denied')
})

test('what cannot be stored is given back to the plugin, and the request fails', async (t) => {
  const script = creds()
  let isFull = false
  const wrapStore = (store: Store): Store => ({
    get: (key) => store.get(key),
    list: (prefix, page) => store.list(prefix, page),
    close: () => store.close(),
    write: async (changes) => {
      if (isFull && changes.some(({ value }) => value !== undefined))
        throw new StorageError('ERR_PORTCULLIS_STORAGE_FAILED', 'the disk is full')
      return store.write(changes)
    },
  })
  const it = await world(t, { tf: script }, MOUNTS, { wrapStore })
  isFull = true
  await assert.rejects(mint(it), { code: 'ERR_PORTCULLIS_STORAGE_FAILED' })
  assert.equal(script.alive.size, 0)
  assert.deepEqual(it.host.operator.leases(), [])
})

test('a host that starts anew knows its leases, and revokes what ended meanwhile', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  const early = await mint(it)
  await it.clock.advance(5 * MINUTE)
  const late = await mint(it)
  await it.restart(6 * MINUTE)
  await it.clock.advance(0)
  assert.deepEqual(it.host.operator.leases(), [late])
  assert.deepEqual(
    it.plugins.of('revoke').map(({ secret }) => secret?.leaseId),
    [early],
  )
  const { data } = await it.ask('write', 'sys/leases/lookup', { data: { lease_id: late } })
  assert.equal(data?.ttl, 240)
  await it.clock.advance(4 * MINUTE)
  assert.equal(script.alive.size, 0)
})

test('a token that was revoked just before the host ended takes its leases along at the next start', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  await mint(it)
  await it.ask('write', 'auth/token/revoke-self', { data: {} })
  await it.restart()
  await it.clock.advance(0)
  assert.equal(script.alive.size, 0)
})

test('a gateway ends its own leases alone; others are the operator', async (t) => {
  const script = creds()
  const it = await world(t, { tf: script }, MOUNTS)
  const { leaseId } = await it.ask('read', 'tf/creds/r', { token: it.operator })
  const words = await it.refusal('write', 'sys/leases/revoke', { data: { lease_id: leaseId, sync: true } })
  assert.equal(words, '403: 1 error occurred:\n\t* permission denied\n\n')
  assert.equal(script.alive.size, 1)
  await it.ask('write', 'sys/leases/revoke', { token: it.operator, data: { lease_id: leaseId, sync: true } })
  assert.equal(script.alive.size, 0)
})

test('kv tells a duration without a lease, unless it is told to make leases', async (t) => {
  const kv: Script = {
    handle: (request: BackendRequest) =>
      request.operation === 'read' ? said({ v: 1 }, { secret: secretOf({ renewable: false }) }) : {},
  }
  const it = await world(
    t,
    { kv },
    { mounts: { a: { type: 'kv' }, b: { type: 'kv', options: { leased_passthrough: 'true' } } } },
  )
  const plain = await it.ask('read', 'a/x')
  assert.deepEqual([plain.leaseId, plain.leaseDurationMs, plain.renewable], ['', 768 * 60 * MINUTE, false])
  assert.match((await it.ask('read', 'b/x')).leaseId, /^b\/x\//)
})

/** Chance that always falls the same way, with names that differ. */
function fixedFraction(fraction: number) {
  return {
    fraction: () => fraction,
    uuid: () => crypto.randomUUID(),
    bytes: (length: number) => crypto.getRandomValues(new Uint8Array(length)),
  }
}
