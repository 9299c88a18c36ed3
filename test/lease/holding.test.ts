import assert from 'node:assert/strict'
import { test } from 'node:test'
import { settle } from '../../lib/testing/fake-clock.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { allow, gate, type Handler, minting, open, tokenGrant, tokenOf } from '../pipeline/support.ts'

const PATH = 'database/creds/app'
const RENEW = 'write sys/leases/renew'
const LOOKUP = 'write sys/leases/lookup'
const REVOKE = 'write sys/leases/revoke'
const ANY = [allow('+/+/+', ['read', 'write'])]
const OK = answerWith({ status: 204 })
const renewal = (ttlMs: number) => answerWith({ leaseId: 'same', leaseDurationMs: ttlMs, renewable: true })

test('a burst of first reads mints no more than the cap of its path', async (t) => {
  const mint = minting(60_000)
  const { gateway } = await open(t, { policies: ANY, handlers: { [`read ${PATH}`]: mint }, leases: { maxPerPath: 3 } })
  const outcomes = await Promise.allSettled(Array.from({ length: 20 }, (_, n) => gateway.read(PATH, { query: { n } })))
  assert.equal(mint.minted, 3)
  assert.equal(outcomes.filter(({ status }) => status === 'rejected').length, 17)
})

test('a burst of first reads of what is static is not capped', async (t) => {
  const { gateway } = await open(t, {
    policies: ANY,
    handlers: { 'read secret/data/app': answerWith({ data: { a: 1 } }) },
    leases: { maxPerPath: 3 },
  })
  const reads = Array.from({ length: 20 }, (_, version) => gateway.read('secret/data/app', { query: { version } }))
  assert.equal((await Promise.all(reads)).length, 20)
})

test('a hold that is on its way when something else is evicted is a hold all the same', async (t) => {
  const { opened, open: release } = gate()
  const mint = minting(60_000)
  const { gateway, clock } = await open(t, {
    policies: ANY,
    handlers: {
      [`read ${PATH}`]: async (request, options) => {
        await opened
        return mint(request, options)
      },
      [RENEW]: renewal(60_000),
    },
  })
  const holding = gateway.lease(PATH)
  await settle()
  gateway.evict({ all: true })
  release()
  const lease = await holding
  await clock.advance(120_000)
  assert.equal(lease.current().data.username, 'user-1')
})

test("a hold with a caller's token is refused before anything is minted", async (t) => {
  const mint = minting(60_000)
  const { gateway } = await open(t, { policies: ANY, handlers: { [`read ${PATH}`]: mint } })
  const scope = gateway.as({}, { token: 's.caller' })
  await assert.rejects(scope.lease(PATH), { code: 'ERR_PORTCULLIS_LEASE_NONE', message: /was not sent/ })
  assert.equal(mint.minted, 0)
})

test('what LRU has no room for stays where it is kept alive: nothing in use is minted twice', async (t) => {
  const mint = minting(60_000)
  const { gateway } = await open(t, {
    policies: ANY,
    handlers: { [`read ${PATH}`]: mint, [RENEW]: renewal(60_000) },
    cache: { maxEntries: 1 },
  })
  for (let i = 0; i < 12; i += 1) await gateway.read(PATH, { query: { n: i % 3 } })
  assert.equal(mint.minted, 3)
})

test('a wall clock that jumps ahead puts a held lease in doubt until it is looked up, not until it is renewed', async (t) => {
  const mint = minting(3_600_000)
  const { gateway, clock } = await open(t, {
    policies: ANY,
    handlers: { [`read ${PATH}`]: mint, [LOOKUP]: answerWith({ data: { ttl: 3_590 } }), [RENEW]: renewal(3_600_000) },
  })
  const lease = await gateway.lease(PATH)
  clock.jumpWall(7_200_000)
  assert.throws(() => lease.current(), { code: 'ERR_PORTCULLIS_LEASE_EXPIRED' })
  await clock.advance(1)
  assert.equal(lease.current().data.username, 'user-1')
  assert.equal(mint.minted, 1)
})

test('a renewal asks for what was granted first, whatever a look-up told meanwhile', async (t) => {
  const { gateway, clock, server } = await open(t, {
    policies: ANY,
    handlers: {
      [`read ${PATH}`]: minting(60_000),
      [LOOKUP]: answerWith({ data: { ttl: 20 } }),
      [RENEW]: renewal(60_000),
    },
  })
  await gateway.lease(PATH)
  await clock.advance(5_000)
  await gateway.read(PATH)
  await clock.advance(16_000)
  const renewals = server.requests.filter(({ path }) => path === 'sys/leases/renew').map(({ body }) => body)
  assert.deepEqual(renewals, [JSON.stringify({ lease_id: `${PATH}/1`, increment: 60 })])
})

test('a renewal that hangs leaves room for a successor', async (t) => {
  const mint = minting(60_000)
  const { gateway, clock } = await open(t, {
    policies: ANY,
    handlers: {
      [`read ${PATH}`]: mint,
      [RENEW]: (_, { timeoutMs }) =>
        new Promise((__, reject) => void clock.after(timeoutMs, () => reject(new Error('late')))),
      [REVOKE]: OK,
    },
  })
  const lease = await gateway.lease(PATH)
  for (let second = 0; second < 90; second += 1) {
    await clock.advance(1_000)
    assert.ok(lease.current().ttlMs > 0)
  }
  assert.equal(lease.current().data.username, 'user-2')
})

test('a lease that cannot be renewed, and that nobody asks for, is not rotated on and on', async (t) => {
  const mint = minting(30_000)
  const unrenewable: typeof mint = Object.assign(
    async (...args: Parameters<typeof mint>) => ({ ...(await mint(...args)), renewable: false }),
    { minted: 0 },
  )
  const { gateway, clock } = await open(t, { policies: ANY, handlers: { [`read ${PATH}`]: unrenewable } })
  await gateway.read(PATH)
  await clock.advance(3_600_000)
  assert.ok(mint.minted <= 2, `${mint.minted} leases for nobody`)
  assert.equal((await gateway.health()).cache.entries, 0)
})

test('a successor is revoked by prefix while its holder gets ready for it: it never becomes current', async (t) => {
  const mint = minting(60_000)
  const { gateway, clock, server } = await open(t, {
    policies: [allow('*', ['read', 'write'])],
    handlers: {
      [`read ${PATH}`]: mint,
      [RENEW]: renewal(1_000),
      [REVOKE]: OK,
      [`write sys/leases/revoke-prefix/${PATH}`]: OK,
    },
  })
  const lease = await gateway.lease(PATH)
  const { opened, open: ready } = gate()
  const seen: unknown[] = []
  lease.onRotate({
    prepare: async ({ data }) => {
      seen.push(data.username)
      if (data.username === 'user-2') await opened
    },
  })
  gateway.evict({ all: true })
  await gateway.read(PATH)
  await settle()
  await gateway.write(`sys/leases/revoke-prefix/${PATH}`)
  ready()
  await clock.advance(1_000)
  assert.deepEqual(seen, ['user-2', 'user-3'])
  assert.equal(lease.current().data.username, 'user-3')
  assert.ok(server.requests.every((request) => tokenOf(request) !== ''))
})

test('close() waits for holders no longer than it must, and releases both what they hold and what they were leaving', async (t) => {
  const mint = minting(60_000)
  const { gateway, clock, server } = await open(t, {
    policies: ANY,
    handlers: { [`read ${PATH}`]: mint, [RENEW]: renewal(10_000), [REVOKE]: OK },
  })
  const lease = await gateway.lease(PATH)
  lease.onRotate({ commit: () => new Promise(() => {}) })
  for (let i = 0; i < 600 && lease.generation === 1; i += 1) await clock.advance(100)
  assert.equal(lease.current().data.username, 'user-2')
  await gateway.close()
  const released = server.requests.filter(({ path }) => path === 'sys/leases/revoke').map(({ body }) => body)
  assert.deepEqual(
    released.sort(),
    [1, 2].map((n) => JSON.stringify({ lease_id: `${PATH}/${n}` })),
  )
  assert.equal(clock.pending, 0)
})

test('a hold whose value came to be in doubt on its way gets another one, and forgets none', async (t) => {
  const { opened, open: release } = gate()
  const mint = minting(60_000)
  const { gateway, clock, server } = await open(t, {
    policies: ANY,
    handlers: {
      [`read ${PATH}`]: async (request, options) => {
        if (mint.minted === 0) await opened
        return mint(request, options)
      },
      [REVOKE]: OK,
    },
  })
  const holding = gateway.lease(PATH)
  await settle()
  clock.jumpWall(3_600_000)
  release()
  assert.equal((await holding).current().data.username, 'user-2')
  const released = server.requests.filter(({ path }) => path === 'sys/leases/revoke').map(({ body }) => body)
  assert.deepEqual(released, [JSON.stringify({ lease_id: `${PATH}/1` })])
})

test('a token cannot be held: one that came of it is revoked, or said to be leaked', async (t) => {
  for (const status of [204, 403]) {
    const revoked: string[] = []
    const login = 'auth/userpass/login/app'
    const { gateway, events } = await open(t, {
      policies: [allow('*', ['write'])],
      handlers: {
        [`write ${login}`]: answerWith({ auth: tokenGrant('s.minted') }),
        'write auth/token/revoke-self': (request, options) => {
          revoked.push(tokenOf(request))
          return status === 204 ? answerWith({ status }) : (refuse(status) as Handler)(request, options)
        },
      },
    })
    const holding = gateway.lease(login, { method: 'write', data: { password: 'p' } })
    await assert.rejects(holding, { code: 'ERR_PORTCULLIS_LEASE_NONE', message: /a token it gave is revoked/ })
    assert.deepEqual(revoked, ['s.minted'])
    assert.equal(events.filter(({ name }) => name === 'leaked').length, status === 204 ? 0 : 1)
  }
})
