import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { allow, counting, gate, type Handler, minting, open, tokenOf } from '../pipeline/support.ts'

const DB = 'database/creds/app'
const PREFIX = `sys/leases/revoke-prefix/${DB}`
const REVOKE = 'write sys/leases/revoke'

/** A server whose first credential is on its way until the gate is opened. */
function late(): { readonly handler: Handler; readonly open: () => void } {
  const { opened, open } = gate()
  const mint = minting(600_000)
  let calls = 0
  const handler: Handler = async (request, options) => {
    calls += 1
    const isFirst = calls === 1
    const answer = await mint(request, options)
    if (isFirst) await opened
    return answer
  }
  return { handler, open }
}

for (const how of ['read', 'hold'] as const) {
  test(`what was revoked while it was on its way is given to nobody (${how})`, async (t) => {
    const first = late()
    const { gateway } = await open(t, {
      policies: [allow('*', ['read', 'write'])],
      handlers: { [`read ${DB}`]: first.handler, [`write ${PREFIX}`]: answerWith({ status: 204 }) },
    })
    const asking = how === 'read' ? gateway.read(DB) : gateway.lease(DB).then((lease) => lease.current())
    await gateway.write(PREFIX)
    first.open()
    assert.equal((await asking).data.username, 'user-2')
  })
}

test('where nobody knows whether the revocation was carried out, it is given back besides', async (t) => {
  const first = late()
  const { gateway, server } = await open(t, {
    policies: [allow('*', ['read', 'write'])],
    handlers: {
      [`read ${DB}`]: first.handler,
      [`write ${PREFIX}`]: refuse(500) as Handler,
      [REVOKE]: answerWith({ status: 204 }),
    },
  })
  const asking = gateway.read(DB)
  await assert.rejects(gateway.write(PREFIX))
  first.open()
  assert.equal((await asking).data.username, 'user-2')
  const revoked = server.requests.filter(({ path }) => path === 'sys/leases/revoke')
  assert.deepEqual(
    revoked.map(({ body }) => JSON.parse(String(body))),
    [{ lease_id: `${DB}/1` }],
  )
})

test('what was only evicted while it was on its way is given to who asked, and kept for nobody', async (t) => {
  const first = late()
  const { gateway, clock } = await open(t, {
    policies: [allow('*', ['read'])],
    handlers: { [`read ${DB}`]: first.handler },
  })
  const asking = gateway.read(DB)
  await clock.advance(0)
  gateway.evict({ all: true })
  first.open()
  assert.equal((await asking).data.username, 'user-1')
  assert.equal((await gateway.read(DB)).data.username, 'user-2')
})

test('a revoke-self ends what its own token minted, not what the next one did', async (t) => {
  const { opened, open: answer } = gate()
  const { gateway, clock } = await open(t, {
    auth: counting(60_000),
    policies: [allow('*', ['read', 'write'])],
    handlers: {
      [`read ${DB}`]: minting(600_000),
      'write auth/token/revoke-self': async () => {
        await opened
        return answerWith({ status: 204 })
      },
      'write auth/token/renew-self': refuse(400) as Handler,
      'read auth/token/lookup-self': answerWith({ data: {} }),
    },
  })
  const lease = await gateway.lease(DB)
  await clock.advance(50_000)
  const revoking = gateway.write('auth/token/revoke-self')
  // The session goes on to its next token, and the lease with it.
  await clock.advance(9_000)
  assert.equal(lease.current().data.username, 'user-2')
  answer()
  await revoking
  await clock.advance(0)
  assert.equal(lease.current().data.username, 'user-2')
})

test('what the next token mints while a revoke-self ends the last one is no loss', async (t) => {
  const { opened, open: answer } = gate()
  const mint = minting(600_000)
  const { gateway, clock, server } = await open(t, {
    auth: counting(60_000),
    policies: [allow('*', ['read', 'write'])],
    handlers: {
      // The first token is refused once it is revoked; the next one is not.
      [`read ${DB}`]: async (request, options) => {
        if (tokenOf(request) !== 's.1') return mint(request, options)
        await opened
        return (refuse(403) as Handler)(request, options)
      },
      'write auth/token/revoke-self': answerWith({ status: 204 }),
      'read auth/token/lookup-self': refuse(403) as Handler,
    },
  })
  const asking = gateway.read(DB)
  await clock.advance(0)
  await gateway.write('auth/token/revoke-self')
  answer()
  assert.equal((await asking).data.username, 'user-1')
  assert.equal(mint.minted, 1)
  assert.deepEqual(new Set(server.requests.filter(({ path }) => path === DB).map(tokenOf)), new Set(['s.1', 's.2']))
})
