import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { callback } from '../../lib/audit/function-device.ts'
import { createGateway } from '../../lib/gateway.ts'
import type { JsonObject } from '../../lib/model/json.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { type AwsOptions, aws } from '../../lib/session/auth/aws.ts'
import { authorizationOf } from '../../lib/session/auth/sig-v4.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { ServerDouble, tokenGrant } from '../pipeline/support.ts'
import { type SessionDouble, sessionWith } from './support.ts'

const KEYS = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'the-secret-key', sessionToken: 'the-session-token' }
const PATH = 'auth/aws/login'

function awsSession(options: AwsOptions, path = PATH): SessionDouble {
  return sessionWith(aws(options), { [path]: () => answerWith({ auth: tokenGrant('s.aws', 10_000) }) })
}

function decoded(data: JsonObject | undefined): {
  readonly url: string
  readonly body: string
  readonly headers: JsonObject
} {
  const textOf = (name: string): string => Buffer.from(String(data?.[name]), 'base64').toString('utf8')
  return {
    url: textOf('iam_request_url'),
    body: textOf('iam_request_body'),
    headers: JSON.parse(textOf('iam_request_headers')),
  }
}

test('AWS login sends a signed GetCallerIdentity request, and no key', async () => {
  const { session, calls, clock } = awsSession({ role: 'orders', serverId: 'vault.internal', credentials: KEYS })
  await session.current()
  const { data, token } = calls[0] ?? {}
  const { url, body, headers } = decoded(data)
  assert.equal(token, undefined)
  assert.deepEqual([data?.role, data?.iam_http_request_method], ['orders', 'POST'])
  assert.deepEqual([url, body], ['https://sts.amazonaws.com/', 'Action=GetCallerIdentity&Version=2011-06-15'])
  const { authorization, ...signed } = headers
  const date = `${new Date(clock.wallTime()).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`
  assert.deepEqual(signed, {
    'content-type': 'application/x-www-form-urlencoded; charset=utf-8',
    host: 'sts.amazonaws.com',
    'x-amz-date': date,
    'x-amz-security-token': 'the-session-token',
    'x-vault-aws-iam-server-id': 'vault.internal',
  })
  const request = { method: 'POST', path: '/', headers: signed as never, body, region: 'us-east-1', service: 'sts' }
  assert.equal(authorization, authorizationOf(request, KEYS))
  assert.match(
    String(authorization),
    /SignedHeaders=content-type;host;x-amz-date;x-amz-security-token;x-vault-aws-iam-server-id, /,
  )
  assert.doesNotMatch(JSON.stringify(headers), /the-secret-key/)
})

for (const [region, host] of [
  ['eu-central-1', 'sts.eu-central-1.amazonaws.com'],
  ['cn-north-1', 'sts.cn-north-1.amazonaws.com.cn'],
] as const) {
  test(`with a region the request is signed for it, and for its host (${region})`, async () => {
    const { session, calls } = awsSession({ region, mount: 'team/aws', credentials: KEYS }, 'auth/team/aws/login')
    await session.current()
    const { url, headers } = decoded(calls[0]?.data)
    assert.deepEqual([url, headers.host], [`https://${host}/`, host])
    assert.match(String(headers.authorization), new RegExp(`/${region}/sts/aws4_request, `))
    assert.equal('role' in (calls[0]?.data ?? {}), false)
    assert.equal('x-vault-aws-iam-server-id' in headers, false)
  })
}

test('without credentials the keys are those of the environment, at each login', async () => {
  const { session, calls, clock, environment } = awsSession({})
  Object.assign(environment, { AWS_ACCESS_KEY_ID: 'AKIDONE', AWS_SECRET_ACCESS_KEY: 'x', AWS_SESSION_TOKEN: '' })
  await session.current()
  environment.AWS_ACCESS_KEY_ID = 'AKIDTWO'
  await clock.advance(10_000)
  await session.current()
  const used = calls
    .filter(({ path }) => path === PATH)
    .map(({ data }) => /Credential=(\w+)/.exec(String(decoded(data).headers.authorization))?.[1])
  assert.deepEqual(used, ['AKIDONE', 'AKIDTWO'])
  assert.equal('x-amz-security-token' in decoded(calls[0]?.data).headers, false)
})

test('a function is asked for the keys at each login', async () => {
  let asked = 0
  const credentials = async (): Promise<object> => ({ ...KEYS, accessKeyId: `AKID${++asked}`, expiration: new Date() })
  const { session, clock } = awsSession({ credentials: credentials as never })
  await session.current()
  await clock.advance(10_000)
  await session.current()
  assert.equal(asked, 2)
})

const REJECTED = { code: 'ERR_PORTCULLIS_SESSION_CREDENTIALS', temporary: false }

test('no keys at all is a coded error that names the variables', async () => {
  const { session, calls } = awsSession({})
  await assert.rejects(session.current(), { ...REJECTED, message: /AWS_ACCESS_KEY_ID/ })
  assert.equal(calls.length, 0)
})

for (const [what, credentials] of [
  ['rejects', async () => Promise.reject(new Error('the-secret-key'))],
  [
    'throws',
    () => {
      throw new Error('the-secret-key')
    },
  ],
  ['gives nothing', async () => undefined],
  ['gives a text', async () => 'the-secret-key'],
  ['gives half of them', async () => ({ accessKeyId: 'the-secret-key' })],
  ['gives a key with a line break', async () => ({ accessKeyId: 'A', secretAccessKey: 'the-secret-key\n' })],
  ['gives a session token that is no text', async () => ({ ...KEYS, sessionToken: 7 })],
] as const) {
  test(`a credentials function that ${what} is a coded error without its words`, async () => {
    const { session, calls } = awsSession({ credentials: credentials as never })
    await assert.rejects(session.current(), (error: { code: string }) => {
      assert.equal(error.code, REJECTED.code)
      assert.doesNotMatch(inspect(error), /the-secret-key/)
      return true
    })
    assert.equal(calls.length, 0)
  })
}

for (const [option, options] of [
  ['role', { role: '' }],
  ['region', { region: 'evil.example/' }],
  ['region', { region: 5 }],
  ['serverId', { serverId: 'a\r\nx: y' }],
  ['mount', { mount: 'a//b' }],
  ['credentials', { credentials: 'the-secret-key' }],
  ['credentials.secretAccessKey', { credentials: { accessKeyId: 'AKID', secretAccessKey: 'the-secret-key ' } }],
  ['credentials', { credentials: { ...KEYS, sessionTokn: 'the-secret-key' } }],
  ['aws()', { rol: 'x' }],
] as const) {
  test(`aws() refuses ${inspect(options)} by name`, () => {
    assert.throws(
      () => aws(options as never),
      (error: Error) => {
        assert.ok(error instanceof TypeError && error.message.startsWith(option), error.message)
        assert.doesNotMatch(error.message, /the-secret-key/)
        return true
      },
    )
  })
}

test('an auth method shows no key', () => {
  assert.doesNotMatch(inspect(aws({ credentials: KEYS }), { depth: 9, showHidden: true }), /the-secret-key/)
})

test('a gateway hands its environment to the login, and its audit shows neither keys nor what they signed', async () => {
  const entries: unknown[] = []
  const server = new ServerDouble({
    [`write ${PATH}`]: answerWith({ auth: tokenGrant('s.aws') }),
    'read kv/a': answerWith({ data: {} }),
    'write auth/token/revoke-self': answerWith({ status: 204 }),
  })
  const gateway = await createGateway(
    {
      server,
      auth: aws({ serverId: 'vault.internal' }),
      dangerouslyAllowEverything: true,
      audit: { devices: [callback('test', (entry) => void entries.push(entry))] },
    },
    {
      telemetry: NO_TELEMETRY,
      environment: {
        AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
        AWS_SECRET_ACCESS_KEY: 'the-secret-key',
        AWS_SESSION_TOKEN: 'the-session-token',
      },
    },
  )
  await gateway.read('kv/a')
  await gateway.close()
  const body = server.requests[0]?.body ?? ''
  const signed = JSON.parse(body).iam_request_headers as string
  assert.match(Buffer.from(signed, 'base64').toString(), /Credential=AKIDEXAMPLE.*/)
  const audit = JSON.stringify(entries)
  assert.match(audit, /auth\/aws\/login/)
  for (const secret of ['AKIDEXAMPLE', 'the-secret-key', 'the-session-token', signed]) {
    assert.equal(audit.includes(secret), false, secret)
  }
})
