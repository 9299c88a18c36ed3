import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { callback } from '../../lib/audit/function-device.ts'
import { resolveGateway } from '../../lib/options/gateway.ts'
import type { AuthMethod } from '../../lib/ports/auth-method.ts'
import { appRole } from '../../lib/session/auth/app-role.ts'
import { aws } from '../../lib/session/auth/aws.ts'
import { cert } from '../../lib/session/auth/cert.ts'
import { custom } from '../../lib/session/auth/custom.ts'
import { jwt } from '../../lib/session/auth/jwt.ts'
import { kubernetes, SERVICE_ACCOUNT_FILE } from '../../lib/session/auth/kubernetes.ts'
import { ldap } from '../../lib/session/auth/ldap.ts'
import { userpass } from '../../lib/session/auth/userpass.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { ServerDouble, tokenGrant } from '../pipeline/support.ts'
import { type OwnHandler, sessionWith } from './support.ts'

const GRANTED: OwnHandler = () => answerWith({ auth: tokenGrant('s.granted', 10_000) })
const SECRET = 'hunter2'

interface Case {
  readonly method: string
  readonly auth: AuthMethod
  readonly path: string
  /** What is sent, where it is told exactly. */
  readonly data?: object
}

const CASES: readonly Case[] = [
  {
    method: 'userpass',
    auth: userpass({ username: 'al', password: SECRET }),
    path: 'auth/userpass/login/al',
    data: { password: SECRET },
  },
  {
    method: 'ldap',
    auth: ldap({ username: 'DOMAIN\\al b', passwordFile: '/secret' }),
    path: 'auth/ldap/login/DOMAIN\\al b',
    data: { password: SECRET },
  },
  { method: 'jwt', auth: jwt({ jwt: SECRET }), path: 'auth/jwt/login', data: { jwt: SECRET } },
  {
    method: 'jwt',
    auth: jwt({ role: 'r', jwtFile: '/secret', mount: '/team/oidc/' }),
    path: 'auth/team/oidc/login',
    data: { role: 'r', jwt: SECRET },
  },
  {
    method: 'kubernetes',
    auth: kubernetes({ role: 'r' }),
    path: 'auth/kubernetes/login',
    data: { role: 'r', jwt: SECRET },
  },
  { method: 'cert', auth: cert(), path: 'auth/cert/login', data: {} },
  {
    method: 'cert',
    auth: cert({ name: 'n', mount: 'tls' }),
    path: 'auth/tls/login',
    data: { name: 'n' },
  },
  { method: 'approle', auth: appRole({ roleId: 'r', secretId: SECRET }), path: 'auth/approle/login' },
  {
    method: 'aws',
    auth: aws({ credentials: { accessKeyId: 'a', secretAccessKey: SECRET } }),
    path: 'auth/aws/login',
  },
  {
    method: 'own',
    auth: custom('own', ({ send }) => send({ operation: 'write', path: 'auth/own/login', data: { secret: SECRET } })),
    path: 'auth/own/login',
  },
]

const opened = ({ auth, path }: Case, handler: OwnHandler): ReturnType<typeof sessionWith> => {
  const double = sessionWith(auth, { [path]: handler })
  for (const file of ['/secret', SERVICE_ACCOUNT_FILE]) double.files.set(file, `${SECRET}\n`)
  return double
}

for (const it of CASES) {
  test(`${it.method} logs in at ${it.path} without a token, and its token is ours`, async () => {
    const { session, calls } = opened(it, GRANTED)
    assert.equal((await session.current()).owned, true)
    const { operation, path, token, data } = calls[0] ?? {}
    assert.deepEqual([operation, path, token], ['write', it.path, undefined])
    if (it.data !== undefined) assert.deepEqual(data, it.data)
    assert.equal(it.auth.method, it.method)
  })

  test(`a second factor is a coded error (${it.path})`, async () => {
    const { session } = opened(it, () => answerWith({ auth: { ...tokenGrant(''), mfaRequired: true } }))
    await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_MFA', temporary: false })
  })

  for (const [what, answer] of [
    ['no token', answerWith({ data: {} })],
    ['an empty token', answerWith({ auth: tokenGrant('') })],
    ['a token with a line break', answerWith({ auth: tokenGrant('s.1\nX: y') })],
  ] as const) {
    test(`an answer with ${what} is a failed login (${it.path})`, async () => {
      const { session } = opened(it, () => answer)
      await assert.rejects(session.current(), { code: 'ERR_PORTCULLIS_SESSION_LOGIN' })
    })
  }

  test(`a refused login shows no secret (${it.path})`, async () => {
    const step = refuse(400) as (call: object, options: object) => never
    const { session } = opened(it, (call) => step(call, {}))
    await assert.rejects(session.current(), (error: { code: string }) => {
      assert.equal(error.code, 'ERR_PORTCULLIS_SESSION_LOGIN')
      assert.doesNotMatch(inspect(error, { depth: 9, showHidden: true }), /hunter2/)
      return true
    })
    assert.doesNotMatch(inspect(it.auth, { depth: 9, showHidden: true }), /hunter2/)
  })
}

test('a password in a file may have spaces and any letters; one line break at its end is cut off', async () => {
  const auth = userpass({ username: 'al', passwordFile: '/p' })
  const { session, files, calls } = sessionWith(auth, { 'auth/userpass/login/al': GRANTED })
  files.set('/p', ' pass wörd \r\n')
  await session.current()
  assert.deepEqual(calls[0]?.data, { password: ' pass wörd ' })
})

for (const [what, text] of [
  ['is missing', undefined],
  ['is empty', '\n'],
  ['has two lines', 'hunter2\nhunter2\n'],
] as const) {
  test(`a password file that ${what} is a coded error without its content`, async () => {
    const { session, files } = sessionWith(ldap({ username: 'al', passwordFile: '/p' }))
    if (text !== undefined) files.set('/p', text)
    await assert.rejects(session.current(), (error: { code: string }) => {
      assert.equal(error.code, 'ERR_PORTCULLIS_SESSION_CREDENTIALS')
      assert.doesNotMatch(inspect(error), /hunter2/)
      return true
    })
  })
}

for (const [auth, file, path] of [
  [jwt({ jwtFile: '/jwt' }), '/jwt', 'auth/jwt/login'],
  [kubernetes({ role: 'r' }), SERVICE_ACCOUNT_FILE, 'auth/kubernetes/login'],
] as const) {
  test(`the ${auth.method} file is read anew at each login`, async () => {
    const { session, files, clock, calls } = sessionWith(auth, { [path]: GRANTED })
    files.set(file, 'first\n')
    await session.current()
    files.set(file, 'second\n')
    await clock.advance(10_000)
    await session.current()
    assert.deepEqual(
      calls.filter((call) => call.path === path).map(({ data }) => data?.jwt),
      ['first', 'second'],
    )
  })
}

for (const username of ['', 'a/b', '/', '.', '..', 'a\nb', '\u0085', '\ud800', 'x'.repeat(513), 5, undefined]) {
  test(`the user name ${inspect(username)} is refused`.slice(0, 80), () => {
    for (const make of [userpass, ldap]) {
      assert.throws(() => make({ username: username as never, password: SECRET }), {
        name: 'TypeError',
        message: /^username /,
      })
    }
  })
}

for (const [option, make] of [
  ['password', () => userpass({ username: 'a' })],
  ['password', () => ldap({ username: 'a', password: SECRET, passwordFile: '/p' })],
  ['password', () => userpass({ username: 'a', password: '' })],
  ['mount', () => userpass({ username: 'a', password: SECRET, mount: 'a/../b' })],
  ['mount', () => jwt({ jwt: 'j', mount: '/' })],
  ['mount', () => cert({ mount: 'a\nb' })],
  ['jwt', () => jwt({})],
  ['jwt', () => jwt({ jwt: 'hunter2 x' })],
  ['role', () => jwt({ jwt: 'j', role: '' })],
  ['role', () => kubernetes({} as never)],
  ['jwtFile', () => kubernetes({ role: 'r', jwtFile: '' })],
  ['name', () => cert({ name: '' })],
  ['"passwrd"', () => userpass({ username: 'a', passwrd: SECRET } as never)],
  ['"namme"', () => cert({ namme: 'n' } as never)],
] as const) {
  test(`a wrong ${option} is told by name: ${make.toString().slice(6, 70)}`, () => {
    assert.throws(make, (error: Error) => {
      assert.ok(error instanceof TypeError && error.message.includes(option), error.message)
      assert.doesNotMatch(error.message, /hunter2/)
      return true
    })
  })
}

const DEVICES = { devices: [callback('none', () => {})] }
const PAIR = { cert: '-----BEGIN CERTIFICATE-----', key: '-----BEGIN PRIVATE KEY-----' }

test('cert() without a client certificate, or over http, is refused at once', () => {
  const options = (server: object): Parameters<typeof resolveGateway>[0] => ({ server, auth: cert(), audit: DEVICES })
  assert.throws(() => resolveGateway(options({ address: 'https://a' }), {}), {
    name: 'TypeError',
    message: /^auth cert needs a client certificate: .*server\.tls\.cert/,
  })
  assert.throws(() => resolveGateway(options({ address: 'http://a', tls: PAIR }), {}), /needs an https address/)
  assert.doesNotThrow(() => resolveGateway(options({ address: 'https://a', tls: PAIR }), {}))
  assert.doesNotThrow(() =>
    resolveGateway(options({ address: 'https://a' }), { VAULT_CLIENT_CERT: '/c', VAULT_CLIENT_KEY: '/k' }),
  )
  assert.doesNotThrow(() => resolveGateway(options(new ServerDouble()), {}))
})
