import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerError } from '../../lib/errors/index.ts'
import { unseal } from '../../lib/model/sealed.ts'
import type { AuthMethod, Login } from '../../lib/ports/auth-method.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { counting, gate, tokenGrant } from '../pipeline/support.ts'
import { type OwnHandler, sessionWith } from './support.ts'

const LOOKUP = 'auth/token/lookup-self'
const REVOKE = 'auth/token/revoke-self'
const answers = (status: number): OwnHandler => {
  const step = refuse(status) as (call: object, options: object) => never
  return (call) => step(call, {})
}
const ALIVE: OwnHandler = () => answerWith({ data: {} })

/** A login that fails as told, and then gives tokens. */
function failing(failures: number, error: () => unknown): AuthMethod & { logins: number } {
  return {
    method: 'failing',
    logins: 0,
    async login(): Promise<Login> {
      this.logins += 1
      if (this.logins <= failures) throw error()
      return { grant: tokenGrant(`s.${this.logins}`), owned: true }
    },
  }
}

const down = (): ServerError =>
  new ServerError('ERR_PORTCULLIS_SERVER_UNREACHABLE', 'down', { operation: 'write', path: 'auth/x/login' })

test('all who wait share one login', async () => {
  const auth = counting()
  const { session } = sessionWith(auth)
  const tokens = await Promise.all([session.current(), session.current(), session.current()])
  assert.equal(new Set(tokens).size, 1)
  assert.equal(auth.logins, 1)
})

test('a token that cannot be renewed is replaced ahead of its end', async () => {
  const { session, clock } = sessionWith(counting(60_000))
  await session.current()
  await clock.advance(53_999)
  assert.equal((await session.current()).generation, 1)
  await clock.advance(1)
  assert.equal((await session.current()).generation, 2)
})

test('a short token is replaced in its last tenth', async () => {
  const { session, clock } = sessionWith(counting(1_000))
  await session.current()
  await clock.advance(899)
  assert.equal((await session.current()).generation, 1)
  await clock.advance(1)
  assert.equal((await session.current()).generation, 2)
})

test('a token without end is kept', async () => {
  const { session, clock } = sessionWith(counting(Infinity))
  await session.current()
  await clock.advance(2 ** 40)
  assert.equal((await session.current()).generation, 1)
})

test('while the early login fails, the living token serves until its end', async () => {
  const auth = counting(60_000)
  const { session, clock } = sessionWith(auth)
  await session.current()
  auth.login = async () => {
    throw down()
  }
  await clock.advance(55_000)
  assert.equal((await session.current()).generation, 1)
  await clock.advance(4_999)
  assert.equal((await session.current()).generation, 1)
  await clock.advance(1)
  await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_LOGIN' })
})

test('a failed login is not tried again before its back-off is over', async () => {
  const auth = failing(1, down)
  const { session, clock, told } = sessionWith(auth)
  await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_LOGIN', temporary: true })
  await clock.advance(249)
  await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_LOGIN' })
  assert.equal(auth.logins, 1)
  await clock.advance(1)
  assert.equal(unseal((await session.current()).token), 's.2')
  assert.deepEqual(told, ['failed ERR_PORTCULLIS_SESSION_LOGIN 250', 'login 1'])
})

test('a failure of an unknown kind is a failed login, and its words are not repeated', async () => {
  const { session } = sessionWith(failing(1, () => new Error('hunter2')))
  await assert.rejects(session.current(), (error: Error) => !error.message.includes('hunter2'))
})

test('a 403 with a living token is final, and looked up at most once a second', async () => {
  const { session, clock, sent } = sessionWith(counting(), { [LOOKUP]: ALIVE })
  const token = await session.current()
  await clock.advance(1_000)
  const verdicts = await Promise.all([session.forbidden(token), session.forbidden(token)])
  assert.deepEqual(verdicts, ['final', 'final'])
  await clock.advance(999)
  assert.equal(await session.forbidden(token), 'final')
  assert.deepEqual(sent(), [`${LOOKUP} s.1`])
  await clock.advance(1)
  await session.forbidden(token)
  assert.equal(sent().length, 2)
})

test('a 403 with a dead token causes one login for all, and a retry', async () => {
  const auth = counting()
  const { session, clock } = sessionWith(auth, { [LOOKUP]: answers(403) })
  const token = await session.current()
  await clock.advance(1_000)
  const verdicts = await Promise.all([session.forbidden(token), session.forbidden(token), session.forbidden(token)])
  assert.deepEqual(verdicts, ['retry', 'retry', 'retry'])
  assert.equal(auth.logins, 2)
  assert.equal(token.fate.isDead, true)
})

test('403s cause at most one login in 30 seconds', async () => {
  const auth = counting()
  const { session, clock } = sessionWith(auth, { [LOOKUP]: answers(403) })
  const first = await session.current()
  await clock.advance(1_000)
  assert.equal(await session.forbidden(first), 'retry')
  const second = await session.current()
  await clock.advance(29_999)
  assert.equal(await session.forbidden(second), 'final')
  assert.equal(auth.logins, 2)
  await clock.advance(1)
  assert.equal(await session.forbidden(second), 'retry')
  assert.equal(auth.logins, 3)
})

test('a look-up that the server cannot answer leaves the token alone', async () => {
  const auth = counting()
  const { session, clock } = sessionWith(auth, { [LOOKUP]: answers(500) })
  const token = await session.current()
  await clock.advance(1_000)
  assert.equal(await session.forbidden(token), 'final')
  assert.equal(auth.logins, 1)
})

test('a 403 for a token that has been replaced already is worth one more try', async () => {
  const { session, clock, sent } = sessionWith(counting(10_000))
  const old = await session.current()
  await clock.advance(10_000)
  await session.current()
  assert.equal(await session.forbidden(old), 'retry')
  assert.equal(
    sent().some((line) => line.startsWith(LOOKUP)),
    false,
  )
})

test('the look-up of one token tells nothing about the next', async () => {
  const { opened, open } = gate()
  const auth = counting(10_000)
  const { session, clock, on, sent } = sessionWith(auth)
  on(LOOKUP, async (call) => {
    if (unseal(call.token as never) === 's.2') return answerWith({ data: {} })
    await opened
    return answers(403)(call)
  })
  const first = await session.current()
  await clock.advance(8_000)
  const dead = session.forbidden(first)
  await clock.advance(2_000)
  const second = await session.current()
  await clock.advance(2_000)
  assert.equal(await session.forbidden(second), 'final')
  open()
  assert.equal(await dead, 'retry')
  assert.deepEqual(
    sent().filter((line) => line.startsWith(LOOKUP)),
    [`${LOOKUP} s.1`, `${LOOKUP} s.2`],
  )
  assert.equal(auth.logins, 2)
})

test('an owned token is revoked at close, once', async () => {
  const { session, sent } = sessionWith(counting())
  await session.current()
  await session.close()
  await session.close()
  assert.deepEqual(sent(), [`${REVOKE} s.1`])
})

test('a token past its end is not revoked, and has not leaked', async () => {
  const { session, clock, sent, told } = sessionWith(counting(10_000), { [REVOKE]: answers(403) })
  await session.current()
  await clock.advance(10_000)
  await session.close()
  assert.equal(sent().includes(`${REVOKE} s.1`), false)
  assert.equal(told.filter((line) => line.startsWith('leaked')).length, told.includes('login 2') ? 1 : 0)
})

test('a token that cannot be revoked at close has leaked', async () => {
  const { session, told } = sessionWith(counting(), { [REVOKE]: answers(403) })
  await session.current()
  await session.close()
  assert.deepEqual(told, ['login 1', 'leaked ERR_PORTCULLIS_SERVER_FORBIDDEN'])
})

test('a token whose login is under way at close is revoked too', async () => {
  const { opened, open } = gate()
  const auth = counting()
  const { login } = auth
  auth.login = async function slow(context) {
    await opened
    return login.call(this, context)
  }
  const { session, sent } = sessionWith(auth)
  const waiting = session.current()
  const closing = session.close()
  const refused = assert.rejects(waiting, { code: 'ERR_PORTCULLIS_SESSION_ENDED' })
  open()
  await refused
  await closing
  assert.deepEqual(sent(), [`${REVOKE} s.1`])
  assert.equal(session.peek(), undefined)
})

test('a closed session gives no token', async () => {
  const { session } = sessionWith(counting())
  await session.close()
  await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_ENDED' })
})

test('a session tells its state', async () => {
  const { session, clock } = sessionWith(counting(60_000))
  assert.deepEqual(session.state(), { state: 'none', generation: 0, ttlMs: 0 })
  await session.current()
  await clock.advance(10_000)
  assert.deepEqual(session.state(), { state: 'live', generation: 1, ttlMs: 50_000 })
  await session.close()
  assert.deepEqual(session.state(), { state: 'ended', generation: 1, ttlMs: 0 })
})
