import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { seal, unseal } from '../../lib/model/sealed.ts'
import { custom } from '../../lib/session/auth/custom.ts'
import { LOGIN_LIMIT_MS } from '../../lib/session/login-context.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { tokenGrant } from '../pipeline/support.ts'
import { sessionWith } from './support.ts'

const LOOKUP = 'auth/token/lookup-self'
const REVOKE = 'auth/token/revoke-self'

test('a custom login may send a login of its own, whose token is then revoked at close', async () => {
  const method = custom('gcp', ({ send }) => send({ operation: 'write', path: 'auth/gcp/login', data: { jwt: 'j' } }))
  const { session, sent } = sessionWith(method, {
    'auth/gcp/login': () => answerWith({ auth: tokenGrant('s.gcp', 10_000) }),
  })
  const { token, fate, owned } = await session.current()
  assert.deepEqual([unseal(token), fate.endsAtMs, owned], ['s.gcp', 1_010_000, true])
  await session.close()
  assert.deepEqual(sent(), ['auth/gcp/login', `${REVOKE} s.gcp`])
})

test('a token from elsewhere is looked up for its end, and not revoked', async () => {
  const { session, sent } = sessionWith(
    custom('broker', () => ({ token: 's.broker' })),
    {
      [LOOKUP]: () => answerWith({ data: { ttl: 60, renewable: true } }),
    },
  )
  assert.equal((await session.current()).fate.endsAtMs, 1_060_000)
  await session.close()
  assert.deepEqual(sent(), [`${LOOKUP} s.broker`])
})

test('a token whose end is told is not looked up, and replaced ahead of its end', async () => {
  let count = 0
  const method = custom('broker', async () => ({ token: seal(`s.${++count}`), ttlMs: 10_000, owned: true }))
  const { session, clock, sent } = sessionWith(method)
  await session.current()
  await clock.advance(9_000)
  assert.equal(unseal((await session.current()).token), 's.2')
  await session.close()
  assert.deepEqual([...sent()].sort(), [`${REVOKE} s.1`, `${REVOKE} s.2`])
})

test('a custom login reads files, variables and the wall clock through its context', async () => {
  const method = custom('own', async ({ readText, variable, wallTime }) => {
    return { token: [await readText('/f'), variable('V'), variable('EMPTY'), wallTime()].join('.'), ttlMs: Infinity }
  })
  const { session, files, environment, clock } = sessionWith(method)
  files.set('/f', 'text')
  Object.assign(environment, { V: 'variable', EMPTY: '' })
  assert.equal(unseal((await session.current()).token), `text.variable..${clock.wallTime()}`)
})

const AUTH = tokenGrant('s.secret', 1_000)

for (const [what, given] of [
  ['nothing', undefined],
  ['null', null],
  ['a bare text', 's.secret'],
  ['an empty object', {}],
  ['a token that is a number', { token: 5 }],
  ['an empty token', { token: '' }],
  ['a token with a line break', { token: 's.secret\nX: y' }],
  ['a sealed number', { token: seal(5) }],
  ['a ttl of 0', { token: 's.secret', ttlMs: 0 }],
  ['a negative ttl', { token: 's.secret', ttlMs: -1 }],
  ['a ttl that is no number', { token: 's.secret', ttlMs: Number.NaN }],
  ['a ttl that is a text', { token: 's.secret', ttlMs: '1h' }],
  ['renewable without a ttl', { token: 's.secret', renewable: true }],
  ['a renewable that is a text', { token: 's.secret', ttlMs: 1, renewable: 'yes' }],
  ['half a use', { token: 's.secret', ttlMs: 1, numUses: 0.5 }],
  ['an owned that is a text', { token: 's.secret', ttlMs: 1, owned: 'yes' }],
  ['a misspelt name', { token: 's.secret', ttl: 5 }],
  ["the server's own JSON", { auth: { client_token: 's.secret', lease_duration: 60 } }],
  ['an auth whose token is not sealed', answerWith({ auth: { ...AUTH, token: 's.secret' as never } })],
  ['an auth without policies', answerWith({ auth: { ...AUTH, policies: undefined as never } })],
  ['an auth with a ttl that is a text', answerWith({ auth: { ...AUTH, ttlMs: '1h' as never } })],
] as const) {
  test(`a custom login that gives ${what} is a coded error without the token`, async () => {
    const { session, calls } = sessionWith(custom('own', (async () => given) as never))
    await assert.rejects(session.current(), (error: { code: string; temporary: boolean }) => {
      assert.deepEqual([error.code, error.temporary], ['ERR_PORTCULLIS_SESSION_CUSTOM', false])
      assert.doesNotMatch(inspect(error), /s\.secret/)
      return true
    })
    assert.equal(calls.length, 0)
  })
}

test('a custom login whose answer has no token is a failed login', async () => {
  const { session } = sessionWith(custom('own', () => answerWith({ data: {} })))
  await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_LOGIN' })
})

for (const [what, login] of [
  ['rejects', async () => Promise.reject(new Error('hunter2'))],
  [
    'throws',
    () => {
      throw new Error('hunter2')
    },
  ],
] as const) {
  test(`a custom login that ${what} is a failed login, in our words`, async () => {
    const { session, told } = sessionWith(custom('own', login as never))
    await assert.rejects(session.current(), {
      code: 'ERR_PORTCULLIS_SESSION_LOGIN',
      temporary: true,
      message: 'own login failed: the auth method failed',
    })
    assert.deepEqual(told, ['failed ERR_PORTCULLIS_SESSION_LOGIN 250'])
  })
}

test('a login that never ends is given up after 5 minutes, and its late token revoked', async () => {
  const first = Promise.withResolvers<{ token: string; ttlMs: number; owned: boolean }>()
  let count = 0
  const method = custom('own', () => (++count === 1 ? first.promise : { token: 's.two', ttlMs: 1_000 }))
  const { session, clock, sent } = sessionWith(method)
  const waiting = assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_LOGIN', temporary: true })
  await clock.advance(LOGIN_LIMIT_MS)
  await waiting
  await clock.advance(250)
  assert.equal(unseal((await session.current()).token), 's.two')
  first.resolve({ token: 's.late', ttlMs: 60_000, owned: true })
  await clock.advance(1)
  assert.deepEqual(sent(), [`${REVOKE} s.late`])
  assert.equal(unseal((await session.current()).token), 's.two')
})

test('a late token that cannot be revoked has leaked', async () => {
  const first = Promise.withResolvers<{ token: string; ttlMs: number; owned: boolean }>()
  const { session, clock, on, told } = sessionWith(custom('own', () => first.promise))
  const step = refuse(503) as (call: object, options: object) => never
  on(REVOKE, (call) => step(call, {}))
  const waiting = assert.rejects(session.current())
  await clock.advance(LOGIN_LIMIT_MS)
  await waiting
  first.resolve({ token: 's.late', ttlMs: 60_000, owned: true })
  await clock.advance(1)
  assert.equal(
    told.some((line) => line.startsWith('leaked ')),
    true,
  )
})

for (const [method, login] of [
  ['', () => ({ token: 't' })],
  [undefined, () => ({ token: 't' })],
  ['a b', () => ({ token: 't' })],
  ['own', undefined],
  ['own', {}],
] as const) {
  test(`custom(${inspect(method)}, ${inspect(login)}) is refused`, () => {
    assert.throws(() => custom(method as never, login as never), TypeError)
  })
}
