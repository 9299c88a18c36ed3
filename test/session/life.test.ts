import assert from 'node:assert/strict'
import { test } from 'node:test'
import { unseal } from '../../lib/model/sealed.ts'
import type { TokenGrant } from '../../lib/model/server-answer.ts'
import type { AuthMethod, Login } from '../../lib/ports/auth-method.ts'
import { LOGIN_LIMIT_MS } from '../../lib/session/login-context.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { gate, tokenGrant } from '../pipeline/support.ts'
import { type OwnHandler, sessionWith } from './support.ts'

const LOOKUP = 'auth/token/lookup-self'
const RENEW = 'auth/token/renew-self'
const REVOKE = 'auth/token/revoke-self'
const answers = (status: number): OwnHandler => {
  const step = refuse(status) as (call: object, options: object) => never
  return (call) => step(call, {})
}
const renewedFor =
  (ttlMs: number): OwnHandler =>
  () =>
    answerWith({ auth: tokenGrant('s.1', ttlMs) })
const count = (sent: readonly string[], path: string): number => sent.filter((line) => line.startsWith(path)).length

/** Logs in tokens that are as `grant` says. */
function logging(grant: Partial<TokenGrant>): AuthMethod & { logins: number } {
  return {
    method: 'logging',
    logins: 0,
    async login(): Promise<Login> {
      this.logins += 1
      return { grant: { ...tokenGrant(`s.${this.logins}`), ...grant }, owned: true }
    },
  }
}

test('of a token with limited uses all but one are handed out, and then comes the next', async () => {
  const { session, clock, sent } = sessionWith(logging({ numUses: 4, ttlMs: 60_000 }))
  const used: string[] = []
  for (let n = 0; n < 9; n += 1) used.push(unseal((await session.current()).token))
  assert.deepEqual(used, ['s.1', 's.1', 's.1', 's.2', 's.2', 's.2', 's.3', 's.3', 's.3'])
  await clock.advance(50_000)
  assert.equal(count(sent(), RENEW) + count(sent(), LOOKUP), 0, 'a use was spent on keeping it')
})

test('a batch token is never renewed, replaced ahead of its end, and told to be leaked at close', async () => {
  const grant = { tokenType: 'batch', renewable: false, ttlMs: 60_000 }
  const { session, clock, sent, told } = sessionWith(logging(grant), { [REVOKE]: answers(400) })
  for (let second = 0; second < 130; second += 1) {
    await session.current()
    await clock.advance(1_000)
  }
  assert.equal(session.state().generation, 3)
  assert.equal(count(sent(), RENEW), 0)
  await session.close()
  assert.ok(told.at(-1)?.startsWith('leaked'))
})

test('a periodic token is renewed for as long as it is used, by one login', async () => {
  const auth = logging({ ttlMs: 60_000 })
  const { session, clock, sent } = sessionWith(auth, { [RENEW]: renewedFor(60_000) })
  for (let minute = 0; minute < 600; minute += 1) {
    assert.equal((await session.current()).generation, 1)
    await clock.advance(60_000)
  }
  assert.equal(auth.logins, 1)
  const renewals = count(sent(), RENEW)
  assert.ok(renewals >= 850 && renewals <= 1_050, `${renewals} renewals in 600 periods`)
})

test('a token with an explicit max TTL is succeeded before its last end, and never renewed beyond it', async () => {
  const endMs = 150_000
  const auth = logging({ ttlMs: 60_000 })
  const { session, clock, on, told, sent } = sessionWith(auth)
  const startMs = clock.now()
  on(RENEW, (call) => renewedFor(Math.max(Math.min(60_000, startMs + endMs - clock.now()), 0))(call))
  const first = await session.current()
  while (session.peek() === first) {
    assert.ok(clock.now() - startMs < endMs, 'its end came first')
    assert.ok(first.fate.endsAtMs - startMs <= endMs, 'a later end was believed than the server told')
    await session.current()
    await clock.advance(1_000)
  }
  assert.ok(told.includes('succeeded 1 2'))
  assert.equal(first.fate.isDead, false, 'its leases have time to move')
  assert.ok(first.fate.endsAtMs > clock.now())
  assert.equal(count(sent(), REVOKE), 0)
})

test('a login that hangs fails at its limit for all who wait; what comes of it later is given back', async () => {
  const { opened, open } = gate()
  let logins = 0
  const auth: AuthMethod = {
    method: 'slow',
    async login(): Promise<Login> {
      logins += 1
      const mine = logins
      if (mine === 1) await opened
      return { grant: tokenGrant(`s.${mine}`), owned: true }
    },
  }
  const { session, clock, sent } = sessionWith(auth)
  const waiting = Promise.allSettled([session.current(), session.current()])
  await clock.advance(LOGIN_LIMIT_MS)
  for (const { status } of await waiting) assert.equal(status, 'rejected')
  await clock.advance(1_000)
  assert.equal(unseal((await session.current()).token), 's.2')
  open()
  await clock.advance(0)
  assert.deepEqual(sent(), [`${REVOKE} s.1`])
})

test('close does not wait for a login that hangs, and leaves no timer', async () => {
  const auth: AuthMethod = { method: 'hung', login: () => new Promise<Login>(() => {}) }
  const { session, clock } = sessionWith(auth)
  const waiting = session.current()
  const refused = assert.rejects(waiting, { code: 'ERR_PORTCULLIS_SESSION_ENDED' })
  const closing = session.close()
  await clock.advance(5_000)
  await closing
  await refused
  assert.equal(clock.pending, 0)
})

test('close in each state: before a login, after a failed one, with a living token, and twice', async () => {
  const none = sessionWith(logging({}))
  await none.session.close()
  assert.deepEqual(none.sent(), [])

  const failed = sessionWith({ method: 'down', login: () => Promise.reject(new Error('down')) })
  await assert.rejects(failed.session.current())
  await failed.session.close()
  await assert.rejects(failed.session.current(), { code: 'ERR_PORTCULLIS_SESSION_ENDED' })
  assert.deepEqual([failed.sent(), failed.clock.pending], [[], 0])

  const live = sessionWith(logging({ ttlMs: 60_000 }))
  const token = await live.session.current()
  await Promise.all([live.session.close(), live.session.close()])
  assert.deepEqual([live.sent(), live.clock.pending], [[`${REVOKE} s.1`], 0])
  assert.equal(await live.session.forbidden(token), 'final')
  await live.clock.advance(600_000)
  assert.equal(live.sent().length, 1)
})

for (const jumpMs of [-3_600_000, 3_600_000]) {
  test(`a wall clock that jumps by ${jumpMs / 1_000} s costs a look-up at most, and no login`, async () => {
    const auth = logging({ ttlMs: 60_000 })
    const alive: OwnHandler = () => answerWith({ data: { ttl: 50, expire_time: '2026-01-01T00:01:00Z' } })
    const { session, clock, sent } = sessionWith(auth, { [LOOKUP]: alive, [RENEW]: renewedFor(60_000) })
    await session.current()
    clock.jumpWall(jumpMs)
    for (let second = 0; second < 30; second += 1) {
      assert.equal((await session.current()).generation, 1)
      await clock.advance(1_000)
    }
    assert.ok(count(sent(), LOOKUP) <= 1, `${count(sent(), LOOKUP)} look-ups`)
    assert.equal(auth.logins, 1)
  })
}
