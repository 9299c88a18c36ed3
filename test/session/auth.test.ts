import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { unseal } from '../../lib/model/sealed.ts'
import { type AppRoleOptions, appRole } from '../../lib/session/auth/app-role.ts'
import { token } from '../../lib/session/auth/token.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { open, policy, readable, tokenGrant } from '../pipeline/support.ts'
import { type OwnHandler, sessionWith } from './support.ts'

const LOOKUP = 'auth/token/lookup-self'
const LOGIN = 'auth/approle/login'
const answers = (status: number): OwnHandler => {
  const step = refuse(status) as (call: object, options: object) => never
  return (call) => step(call, {})
}
const GRANTED: OwnHandler = () => answerWith({ auth: tokenGrant('s.approle', 10_000) })
const madeAt =
  (creationPath: string): OwnHandler =>
  () =>
    answerWith({ data: { creation_path: creationPath } })
const SECRET_ID: OwnHandler = () => answerWith({ data: { secret_id: 'the-secret-id' } })

test('a handed token is looked up for its end and never revoked', async () => {
  const { session, sent } = sessionWith(token({ token: 's.handed' }), {
    [LOOKUP]: () => answerWith({ data: { ttl: 60 } }),
  })
  const { fate, owned } = await session.current()
  assert.deepEqual([fate.endsAtMs, owned], [1_000_000 + 60_000, false])
  await session.close()
  assert.deepEqual(sent(), [`${LOOKUP} s.handed`])
})

test('a handed token that may not look itself up has no known end', async () => {
  const { session } = sessionWith(token({ token: 's.handed' }), { [LOOKUP]: answers(403) })
  assert.equal((await session.current()).fate.endsAtMs, Infinity)
})

test('a handed token found dead is not tried again for 30 seconds', async () => {
  const { session, clock, sent } = sessionWith(token({ token: 's.handed' }), { [LOOKUP]: answers(403) })
  const handed = await session.current()
  await clock.advance(1_000)
  assert.equal(await session.forbidden(handed), 'final')
  const asked = sent().length
  for (let n = 0; n < 10; n += 1) assert.equal(await session.forbidden(await session.current()), 'final')
  assert.equal(sent().length, asked)
})

test('a token file is read anew at each login', async () => {
  const { session, files, clock } = sessionWith(token({ tokenFile: '/sink' }), {
    [LOOKUP]: () => answerWith({ data: { ttl: 10 } }),
  })
  files.set('/sink', 's.one\n')
  assert.equal(unseal((await session.current()).token), 's.one')
  files.set('/sink', 's.two\n')
  await clock.advance(10_000)
  assert.equal(unseal((await session.current()).token), 's.two')
})

for (const [what, text] of [
  ['is missing', undefined],
  ['is empty', '\n'],
  ['holds two lines', 's.one\ns.two'],
  ['holds a space', 's.one s.two'],
] as const) {
  test(`a token file that ${what} is a coded error without its content`, async () => {
    const { session, files } = sessionWith(token({ tokenFile: '/sink' }))
    if (text !== undefined) files.set('/sink', text)
    await assert.rejects(session.current(), (error: { code: string }) => {
      assert.equal(error.code, 'ERR_PORTCULLIS_SESSION_CREDENTIALS')
      assert.doesNotMatch(inspect(error), /s\.one|s\.two/)
      return true
    })
  })
}

for (const [what, options] of [
  ['nothing', {}],
  ['both', { token: 's.1', tokenFile: '/f' }],
  ['an empty token', { token: '' }],
  ['a token with a line break', { token: 's.1\nX: y' }],
  ['an unknown name', { token: 's.1', tokn: 's' }],
] as const) {
  test(`token() refuses ${what}`, () => assert.throws(() => token(options as never), TypeError))
}

test('AppRole sends role id and secret id without a token', async () => {
  const { session, calls } = sessionWith(appRole({ roleId: 'r', secretId: 'x' }), { [LOGIN]: GRANTED })
  assert.equal((await session.current()).owned, true)
  assert.deepEqual(calls, [{ operation: 'write', path: LOGIN, data: { role_id: 'r', secret_id: 'x' } }])
})

test('AppRole works without a secret id, at a mount elsewhere', async () => {
  const { session, calls } = sessionWith(appRole({ roleId: 'r', mount: '/team/approle/' }), {
    'auth/team/approle/login': GRANTED,
  })
  await session.current()
  assert.deepEqual(calls[0]?.data, { role_id: 'r' })
})

const wrapped: AppRoleOptions = { roleId: 'r', wrappedSecretId: 's.wrapping' }

test('a wrapped secret id is checked, unwrapped once, and used again for the next login', async () => {
  const { session, clock, sent } = sessionWith(appRole(wrapped), {
    'sys/wrapping/lookup': madeAt('auth/approle/role/app/secret-id'),
    'sys/wrapping/unwrap': SECRET_ID,
    [LOGIN]: GRANTED,
  })
  await session.current()
  await clock.advance(10_000)
  await session.current()
  const own = sent().filter((line) => !line.startsWith('auth/token/renew-self'))
  assert.deepEqual(own, ['sys/wrapping/lookup', 'sys/wrapping/unwrap s.wrapping', LOGIN, LOGIN])
})

for (const path of ['cubbyhole/evil', 'auth/other/role/app/secret-id', 'auth/approle/role/a/b/secret-id', '']) {
  test(`a wrapped secret id made at ${JSON.stringify(path)} is not unwrapped`, async () => {
    const { session, sent } = sessionWith(appRole(wrapped), { 'sys/wrapping/lookup': madeAt(path) })
    await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_WRAPPED', temporary: false })
    assert.deepEqual(sent(), ['sys/wrapping/lookup'])
  })
}

test('a creation path that was told is the only one taken', async () => {
  const auth = appRole({ ...wrapped, creationPath: 'auth/approle/role/mine/secret-id' })
  const { session } = sessionWith(auth, { 'sys/wrapping/lookup': madeAt('auth/approle/role/other/secret-id') })
  await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_WRAPPED' })
})

for (const step of ['sys/wrapping/lookup', 'sys/wrapping/unwrap']) {
  for (const status of [400, 403]) {
    test(`a used wrapping token is an alarm (${step}, ${status})`, async () => {
      const { session, told } = sessionWith(appRole(wrapped), {
        'sys/wrapping/lookup': madeAt('auth/approle/role/app/secret-id'),
        [step]: answers(status),
      })
      await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_WRAPPED' })
      assert.deepEqual(told, ['failed ERR_PORTCULLIS_SESSION_WRAPPED 250'])
    })
  }
}

test('a sealed server is no alarm about the wrapping token', async () => {
  const { session } = sessionWith(appRole(wrapped), { 'sys/wrapping/lookup': answers(503) })
  await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_LOGIN', temporary: true })
})

test('a new wrapping token in the file is unwrapped anew', async () => {
  const { session, clock, files, sent } = sessionWith(appRole({ roleId: 'r', wrappedSecretIdFile: '/w' }), {
    'sys/wrapping/lookup': madeAt('auth/approle/role/app/secret-id'),
    'sys/wrapping/unwrap': SECRET_ID,
    [LOGIN]: GRANTED,
  })
  files.set('/w', 's.w1')
  await session.current()
  files.set('/w', 's.w2')
  await clock.advance(10_000)
  await session.current()
  assert.deepEqual(
    sent().filter((call) => call.startsWith('sys/wrapping/unwrap')),
    ['sys/wrapping/unwrap s.w1', 'sys/wrapping/unwrap s.w2'],
  )
})

test('a login that asks for a second factor is a coded error', async () => {
  const { session } = sessionWith(appRole({ roleId: 'r' }), {
    [LOGIN]: () => answerWith({ auth: { ...tokenGrant(''), mfaRequired: true } }),
  })
  await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_MFA', temporary: false })
})

test('a login without a token in its answer is a failed login', async () => {
  const { session } = sessionWith(appRole({ roleId: 'r' }), { [LOGIN]: () => answerWith({ data: {} }) })
  await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_LOGIN' })
})

for (const options of [
  {},
  { roleId: 'r', roleIdFile: '/f' },
  { roleId: 'r', secretId: 's', secretIdFile: '/f' },
  { roleId: 'r', secretId: 's', wrappedSecretId: 'w' },
  { roleId: 'r', secretId: 's', creationPath: 'p' },
  { roleId: 'r', mount: '/' },
  { roleId: 'r', mount: 'a/../b' },
  { roleId: 'r', rolId: 'r' },
]) {
  test(`appRole(${JSON.stringify(options)}) is refused`, () => assert.throws(() => appRole(options), TypeError))
}

test("the gateway's own calls are recorded under its own caller, without a secret", async (t) => {
  const { gateway, entries, server } = await open(t, {
    auth: appRole({ roleId: 'the-role-id', secretId: 'the-secret-id' }),
    policies: [policy('p', [readable('kv/a')])],
    handlers: {
      [`write ${LOGIN}`]: answerWith({ auth: tokenGrant('s.approle') }),
      'read kv/a': answerWith({ data: {} }),
    },
  })
  await gateway.read('kv/a')
  await gateway.close()
  const own = entries.filter(({ caller }) => caller.service === 'portcullis')
  assert.deepEqual(
    own.map(({ type, request, decision }) => `${type} ${request.path} ${decision.reason}`),
    [
      `request ${LOGIN} own`,
      `response ${LOGIN} own`,
      'request auth/token/revoke-self own',
      'response auth/token/revoke-self own',
    ],
  )
  assert.doesNotMatch(JSON.stringify(entries), /the-role-id|the-secret-id|s\.approle/)
  assert.equal(server.count('write auth/token/revoke-self'), 1)
})

test('a login that cannot be recorded is revoked, or said to have leaked', async (t) => {
  let isRefusing = true
  const { gateway, server, events } = await open(t, {
    auth: appRole({ roleId: 'r' }),
    policies: [policy('p', [readable('kv/a')])],
    handlers: { [`write ${LOGIN}`]: answerWith({ auth: tokenGrant('s.approle') }) },
    onEntry: ({ type, request }) => {
      if (isRefusing && type === 'response' && request.path === LOGIN) throw new Error('disk full')
    },
  })
  await assert.rejects(gateway.read('kv/a'), { code: 'ERR_PORTCULLIS_SESSION_LOGIN' })
  assert.equal(server.count('write auth/token/revoke-self'), 1)
  assert.deepEqual(
    events.filter(({ name }) => name !== 'warning').map(({ name }) => name),
    ['loginFailed'],
  )
  isRefusing = false
})
