import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callback } from '../../lib/audit/function-device.ts'
import { settle } from '../../lib/testing/fake-clock.ts'
import { answerWith, grant, refuse } from '../../lib/testing/scripted-transport.ts'
import { foreign, gate, type Handler, minting, open, policy, readable, shape } from './support.ts'

const DB = policy('p', [readable('database/creds/app')])
const PATH = 'database/creds/app'
const REVOKE = 'write sys/leases/revoke'
const DONE = answerWith({ status: 204 })

/** Two services, each with a policy of its own. */
function services(strict: object, free: object): readonly object[] {
  const is = (name: string): object => ({ properties: { service: { const: name } }, required: ['service'] })
  const others = { not: { required: ['service'] } }
  return [policy('strict', [strict], is('strict')), policy('free', [free], is('free')), policy('rest', [free], others)]
}

const UNMEETABLE = { response: { properties: { other: { type: 'string' } }, required: ['other'] } }

test('fifty first reads at once are one exchange, fifty decisions and fifty records', async (t) => {
  const { gateway, server, entries } = await open(t, {
    policies: [DB],
    handlers: { [`read ${PATH}`]: minting(60_000) },
  })
  const answers = await Promise.all(
    Array.from({ length: 50 }, (_, index) => gateway.as({ user: `u-${index}` }).read(PATH)),
  )
  assert.equal(server.count(`read ${PATH}`), 1)
  assert.equal(new Set(answers.map(({ data }) => data.username)).size, 1)
  const responses = foreign(entries).filter(({ type }) => type === 'response')
  assert.equal(new Set(responses.map(({ caller }) => caller.user)).size, 50)
  assert.equal(responses.filter(({ response }) => response?.shared === true).length, 49)
  assert.equal(foreign(entries).filter(({ type }) => type === 'request').length, 1)
})

test("a waiter's abort ends its wait alone", async (t) => {
  const { opened, open: release } = gate()
  const { gateway, server } = await open(t, {
    policies: [DB],
    handlers: {
      [`read ${PATH}`]: async () => {
        await opened
        return grant({ ttlMs: 60_000, data: { username: 'u' } })
      },
    },
  })
  const aborted = new AbortController()
  const leading = gateway.read(PATH)
  const waiting = gateway.read(PATH, { signal: aborted.signal })
  await settle()
  aborted.abort(new Error('gone'))
  await assert.rejects(waiting, { message: 'gone' })
  release()
  assert.equal((await leading).data.username, 'u')
  assert.equal(server.count(`read ${PATH}`), 1)
})

test("the leader's abort does not end the flight of the others", async (t) => {
  const { opened, open: release } = gate()
  const { gateway, server } = await open(t, {
    policies: [DB],
    handlers: {
      [`read ${PATH}`]: async (_, { signal }) => {
        assert.equal(signal, undefined)
        await opened
        return grant({ ttlMs: 60_000, data: { username: 'u' } })
      },
    },
  })
  const aborted = new AbortController()
  const leading = gateway.read(PATH, { signal: aborted.signal })
  const waiting = gateway.read(PATH)
  await settle()
  aborted.abort(new Error('gone'))
  await assert.rejects(leading, { message: 'gone' })
  release()
  assert.equal((await waiting).data.username, 'u')
  assert.equal(server.count(`read ${PATH}`), 1)
})

test("a leader's time limit ends its wait alone", async (t) => {
  const { opened, open: release } = gate()
  const { gateway, clock } = await open(t, {
    policies: [DB],
    handlers: {
      [`read ${PATH}`]: async (_, { timeoutMs }) => {
        assert.equal(timeoutMs, 60_000)
        await opened
        return grant({ ttlMs: 600_000 })
      },
    },
  })
  const leading = gateway.read(PATH, { timeoutMs: 100 })
  const waiting = gateway.read(PATH)
  const late = assert.rejects(leading, { code: 'ERR_PORTCULLIS_SERVER_TIMEOUT' })
  await clock.advance(100)
  await late
  release()
  assert.equal((await waiting).source, 'server')
})

test('the failure of a flight is the failure of each waiter, recorded for each', async (t) => {
  const { gateway, server, entries } = await open(t, {
    policies: [DB],
    handlers: { [`read ${PATH}`]: refuse(500) as Handler },
  })
  const outcomes = await Promise.allSettled([gateway.read(PATH), gateway.read(PATH), gateway.read(PATH)])
  assert.deepEqual(
    outcomes.map((outcome) => outcome.status === 'rejected' && outcome.reason.code),
    Array(3).fill('ERR_PORTCULLIS_SERVER_FAILED'),
  )
  assert.equal(server.count(`read ${PATH}`), 1)
  assert.deepEqual(shape(foreign(entries)), [
    'request allow',
    ...Array(3).fill('response allow ERR_PORTCULLIS_SERVER_FAILED'),
  ])
})

test('after a failed flight the next read starts a new one', async (t) => {
  const { gateway, server } = await open(t, { policies: [DB], handlers: { [`read ${PATH}`]: refuse(500) as Handler } })
  await assert.rejects(gateway.read(PATH))
  server.on(`read ${PATH}`, grant({ ttlMs: 1000 }))
  assert.equal((await gateway.read(PATH)).source, 'server')
})

test('the lease of a flight that nobody was given is ended, and not kept', async (t) => {
  const { gateway, server } = await open(t, {
    policies: [policy('p', [readable(PATH, UNMEETABLE)])],
    handlers: { [`read ${PATH}`]: minting(60_000), [REVOKE]: DONE },
  })
  await assert.rejects(gateway.read(PATH), { code: 'ERR_PORTCULLIS_POLICY_RESPONSE' })
  assert.deepEqual(
    server.requests.filter(({ path }) => path === 'sys/leases/revoke').map(({ body }) => body),
    ['{"lease_id":"database/creds/app/1"}'],
  )
  assert.equal((await gateway.health()).cache.entries, 0)
})

test('a lease that must be ended and cannot be is said to have leaked', async (t) => {
  const { gateway, events } = await open(t, {
    policies: [policy('p', [readable(PATH, UNMEETABLE)])],
    handlers: { [`read ${PATH}`]: minting(60_000), [REVOKE]: refuse(403) as Handler },
  })
  await assert.rejects(gateway.read(PATH), { code: 'ERR_PORTCULLIS_POLICY_RESPONSE' })
  assert.deepEqual(events.at(-1), { name: 'leaked', event: { path: PATH, code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' } })
})

test('a waiter whose rule has a stricter response schema is refused while others get the answer', async (t) => {
  const { gateway, server } = await open(t, {
    policies: services(readable(PATH, UNMEETABLE), readable(PATH)),
    handlers: { [`read ${PATH}`]: minting(60_000), [REVOKE]: DONE },
  })
  const [strict, free] = await Promise.allSettled([
    gateway.as({ service: 'strict' }).read(PATH),
    gateway.as({ service: 'free' }).read(PATH),
  ])
  assert.equal(strict.status === 'rejected' && strict.reason.code, 'ERR_PORTCULLIS_POLICY_RESPONSE')
  assert.equal(free.status === 'fulfilled' && free.value.data.username, 'user-1')
  assert.equal(server.count(`read ${PATH}`), 1)
  assert.equal(server.count(REVOKE), 0)
})

test('a hit that waits for the audit keeps the lease, though the leader of the flight is refused', async (t) => {
  const refusing = gate()
  const waiting = gate()
  const { gateway, server } = await open(t, {
    policies: services(readable(PATH, UNMEETABLE), readable(PATH)),
    handlers: { [`read ${PATH}`]: minting(60_000), [REVOKE]: DONE },
    audit: {
      devices: [
        callback('slow', async (entry) => {
          if (!('caller' in entry) || entry.type !== 'response') return
          if (entry.caller.service === 'strict') await refusing.opened
          if (entry.caller.service === 'free') await waiting.opened
        }),
      ],
    },
  })
  const strict = assert.rejects(gateway.as({ service: 'strict' }).read(PATH), {
    code: 'ERR_PORTCULLIS_POLICY_RESPONSE',
  })
  await settle()
  const free = gateway.as({ service: 'free' }).read(PATH)
  await settle()
  refusing.open()
  await strict
  waiting.open()
  assert.equal((await free).source, 'cache')
  assert.equal(server.count(REVOKE), 0)
})

test('a mint that outlives its caller is kept for the next one', async (t) => {
  const { opened, open: release } = gate()
  const mint = minting(60_000)
  const { gateway, server } = await open(t, {
    policies: [DB],
    handlers: {
      [`read ${PATH}`]: async (request, options) => {
        await opened
        return mint(request, options)
      },
    },
  })
  const aborted = new AbortController()
  const reading = gateway.read(PATH, { signal: aborted.signal })
  await settle()
  aborted.abort(new Error('gone'))
  await assert.rejects(reading, { message: 'gone' })
  release()
  await settle()
  assert.equal((await gateway.read(PATH)).source, 'cache')
  assert.equal(server.count(`read ${PATH}`), 1)
})

test('a call whose signal is aborted already is not begun', async (t) => {
  const { gateway, server, entries } = await open(t, { policies: [DB] })
  await assert.rejects(gateway.read(PATH, { signal: AbortSignal.abort(new Error('gone')) }), { message: 'gone' })
  assert.deepEqual([server.sent(), entries], [[], []])
})
