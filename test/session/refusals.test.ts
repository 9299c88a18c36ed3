import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerError } from '../../lib/errors/index.ts'
import { unseal } from '../../lib/model/sealed.ts'
import type { AuthMethod } from '../../lib/ports/auth-method.ts'
import { token as handed } from '../../lib/session/auth/token.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { counting, tokenGrant } from '../pipeline/support.ts'
import { type OwnHandler, sessionWith } from './support.ts'

const LOOKUP = 'auth/token/lookup-self'
const MOUNTS = 'sys/internal/ui/mounts'
const answers = (status: number): OwnHandler => {
  const step = refuse(status) as (call: object, options: object) => never
  return (call) => step(call, {})
}
const ALIVE: OwnHandler = () => answerWith({ data: {} })
const asked = (sent: readonly string[], path: string): number => sent.filter((line) => line.startsWith(path)).length

const forbiddenWith = (text: string): ServerError =>
  new ServerError('ERR_PORTCULLIS_SERVER_FORBIDDEN', 'forbidden', {
    ...{ operation: 'read', path: 'kv/a', status: 403 },
    serverErrors: [text],
  })
const DEAD = forbiddenWith('permission denied')
const ACL = forbiddenWith('1 error occurred:\n\t* permission denied\n\n')

/** Logs in tokens with these policies. */
function policed(policies: readonly string[]): AuthMethod & { logins: number } {
  return {
    method: 'bare',
    logins: 0,
    async login() {
      this.logins += 1
      return { grant: { ...tokenGrant(`s.${this.logins}`), policies }, owned: true }
    },
  }
}

for (const policies of [['app'], ['default']]) {
  test(`403s of a token with ${policies} that lives and may not look itself up cause no login, ever`, async () => {
    const auth = policed(policies)
    const { session, clock, sent, told } = sessionWith(auth, { [LOOKUP]: answers(403), [MOUNTS]: ALIVE })
    const token = await session.current()
    for (let second = 0; second < 300; second += 1) {
      assert.equal(await session.forbidden(token, ACL), 'final')
      assert.equal(await session.forbidden(token, ACL), 'final')
      await clock.advance(1_000)
    }
    assert.deepEqual([auth.logins, token.fate.isDead], [1, false])
    assert.ok(session.wasSeenAlive(token, clock.now() - 1_000))
    assert.ok(asked(sent(), LOOKUP) <= 300)
    assert.deepEqual(told, ['login 1'])
  })
}

test('a token that may not look itself up is found dead all the same, and replaced', async () => {
  const auth = policed(['app'])
  const { session, clock, told } = sessionWith(auth, { [LOOKUP]: answers(403), [MOUNTS]: ALIVE })
  const token = await session.current()
  assert.equal(await session.forbidden(token, ACL), 'final')
  await clock.advance(1_000)
  const other = sessionWith(policed(['app']), { [LOOKUP]: answers(403), [MOUNTS]: answers(403) })
  const dead = await other.session.current()
  assert.equal(await other.session.forbidden(dead, DEAD), 'retry')
  assert.deepEqual([dead.fate.isDead, token.fate.isDead], [true, false])
  assert.deepEqual(told, ['login 1'])
})

test('where the server tells nothing of mounts either, a token of ours that was refused is replaced', async () => {
  const auth = policed(['app'])
  const { session } = sessionWith(auth, { [LOOKUP]: answers(403), [MOUNTS]: answers(404) })
  assert.equal(await session.forbidden(await session.current()), 'retry')
  assert.equal(auth.logins, 2)
})

test('where the server fails while it is asked, nothing is concluded', async () => {
  const auth = policed(['app'])
  const { session } = sessionWith(auth, { [LOOKUP]: answers(403), [MOUNTS]: answers(503) })
  assert.equal(await session.forbidden(await session.current()), 'final')
  assert.equal(auth.logins, 1)
})

test('a token killed in the second after its login is replaced at once', async () => {
  const { session } = sessionWith(counting(), { [LOOKUP]: answers(403), [MOUNTS]: answers(403) })
  const token = await session.current()
  assert.equal(await session.forbidden(token, DEAD), 'retry')
  assert.equal(token.fate.isDead, true)
})

test('killed in the second after a look-up, it is looked up once more, once for all, at the end of that second', async () => {
  const { session, clock, on, sent } = sessionWith(counting(), { [LOOKUP]: ALIVE })
  const token = await session.current()
  assert.equal(await session.forbidden(token, ACL), 'final')
  on(LOOKUP, answers(403))
  const waiting = Array.from({ length: 50 }, () => session.forbidden(token, DEAD))
  assert.equal(await session.forbidden(token, ACL), 'final', 'a refusal by an ACL waits for nothing')
  await clock.advance(999)
  assert.equal(asked(sent(), LOOKUP), 1)
  await clock.advance(1)
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['retry']))
  assert.equal(asked(sent(), LOOKUP), 2)
})

test('a server that words every refusal like a dead token is asked once a second', async () => {
  const auth = counting()
  const { session, clock, sent } = sessionWith(auth, { [LOOKUP]: ALIVE })
  const token = await session.current()
  const waiting: Promise<string>[] = []
  for (let step = 0; step < 100; step += 1) {
    for (let n = 0; n < 10; n += 1) waiting.push(session.forbidden(token, DEAD))
    await clock.advance(100)
  }
  await clock.advance(1_000)
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['final']))
  assert.ok(asked(sent(), LOOKUP) <= 12, `${asked(sent(), LOOKUP)} look-ups in 11 s`)
  assert.equal(auth.logins, 1)
})

test('what is known to be dead is replaced without a look-up, and the next death is found too', async () => {
  const auth = counting()
  const { session, on, sent } = sessionWith(auth, { [LOOKUP]: answers(403), [MOUNTS]: answers(403) })
  const first = await session.current()
  first.fate.isDead = true
  assert.equal(await session.forbidden(first, DEAD), 'retry')
  assert.equal(asked(sent(), LOOKUP), 0)
  const second = await session.current()
  on(LOOKUP, answers(403))
  assert.equal(await session.forbidden(second, DEAD), 'retry')
  assert.equal(auth.logins, 3)
  assert.equal(unseal((await session.current()).token), 's.3')
})

test('the refusal of a handed token that is dead stands, also of one that could never look itself up', async () => {
  for (const first of [() => answerWith({ data: { ttl: 60, policies: ['default'] } }), answers(403)]) {
    const { session, clock, on, told } = sessionWith(handed({ token: 's.handed' }), { [LOOKUP]: first })
    const token = await session.current()
    on(LOOKUP, answers(403))
    on(MOUNTS, answers(403))
    await clock.advance(1_000)
    assert.equal(await session.forbidden(token, DEAD), 'final')
    assert.deepEqual(
      told.filter((line) => line.startsWith('died')),
      ['died 1'],
    )
  }
})

test('a handed token that has ended, and that the server still describes, is asked after once a back-off', async (t) => {
  const double = sessionWith(handed({ token: 's.ended' }), {
    'auth/token/lookup-self': () =>
      answerWith({ data: { ttl: 0, expire_time: '2026-01-01T00:00:00Z', renewable: true, policies: ['default'] } }),
  })
  t.after(() => double.session.close())

  await assert.rejects(double.session.current(), { code: 'ERR_PORTCULLIS_SESSION_ENDED' })
  await assert.rejects(double.session.current(), { code: 'ERR_PORTCULLIS_SESSION_ENDED' })

  assert.equal(double.calls.length, 1)
})
