import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import test, { type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { inspect } from 'node:util'
import { cert, type Gateway, userpass } from 'portcullis'
import { realServersAbsent } from '../support/real-servers.ts'
import { type MethodUnderTest, startAuthServer } from './auth-methods.ts'
import { type AuditedBao, openGateway } from './real.ts'

const skip = await realServersAbsent()

type Scenario = (t: TestContext, bao: AuditedBao, it: MethodUnderTest) => Promise<void>

test('every auth method on a real server', { skip }, async (t) => {
  const { bao, methods } = await startAuthServer(t)
  for (const [name, it] of Object.entries(methods)) {
    const has = (fact: string, scenario: Scenario): Promise<void> =>
      t.test(`${name}: ${fact}`, (t) => scenario(t, bao, it))
    await has('one login for all who wait; the token is revoked at close', logsInOnce)
    await has('a wrong credential is a coded error that does not show it', refuses)
    await has('a token that dies is replaced by one login, which no caller sees', revives)
  }
  await t.test('cert: without a client certificate nothing is sent', async (t) => {
    const before = bao.requests().length
    const server = { ...methods.cert.server, tls: {} }
    await assert.rejects(openGateway(t, bao, { server, auth: cert() }), TypeError)
    assert.equal(bao.requests().length, before)
  })
  await t.test('userpass: a user name is one path segment, whatever is in it', async (t) => {
    const username = 'al?list=true#x%2F..%5C y'
    const { gateway } = await openGateway(t, bao, { auth: userpass({ username, password: 'wrong-sesame' }) })
    await assert.rejects(readApp(gateway), { code: 'ERR_PORTCULLIS_SESSION_LOGIN' })
    assert.equal(bao.requestsOn(`auth/userpass/login/${username}`).length, 1)
  })
  await demandSecondFactor(bao)
  for (const [name, it] of Object.entries(methods)) {
    await t.test(`${name}: a login that demands a second factor is a coded error`, async (t) => {
      const { gateway } = await openGateway(t, bao, { server: it.server, auth: it.good })
      await assert.rejects(readApp(gateway), { code: 'ERR_PORTCULLIS_SESSION_MFA', temporary: false })
    })
  }
})

const logsInOnce: Scenario = async (t, bao, it) => {
  const { gateway, auditFile } = await openGateway(t, bao, { server: it.server, auth: it.good })
  const before = bao.requestsOn(it.path).length

  const colors = await Promise.all(Array.from({ length: 10 }, () => readApp(gateway)))

  assert.deepEqual(new Set(colors), new Set(['green']))
  assert.equal(bao.requestsOn(it.path).length - before, 1)
  assert.equal((await accessorsOf(bao, it.path)).length, 1)
  await gateway.close()
  assert.equal((await accessorsOf(bao, it.path)).length, 0)
  const audit = readFileSync(auditFile, 'utf8')
  assert.ok(audit.includes(it.path))
  for (const secret of it.secrets) assert.equal(audit.includes(JSON.stringify(secret).slice(1, -1)), false)
}

const refuses: Scenario = async (t, bao, it) => {
  const { gateway, auditFile } = await openGateway(t, bao, { server: it.badServer, auth: it.bad })
  const before = bao.requestsOn(it.path).length
  await assert.rejects(
    readApp(gateway),
    (error: { readonly code: string; readonly cause: { readonly code: string } }) => {
      assert.equal(error.code, 'ERR_PORTCULLIS_SESSION_LOGIN')
      assert.match(error.cause.code, /^ERR_PORTCULLIS_SERVER_(?:BAD_REQUEST|FORBIDDEN)$/)
      const shown = inspect(error, { depth: 9, showHidden: true }) + readFileSync(auditFile, 'utf8')
      for (const secret of it.secrets) assert.equal(shown.includes(secret), false)
      return true
    },
  )
  assert.equal(bao.requestsOn(it.path).length - before, 1)
}

const revives: Scenario = async (t, bao, it) => {
  const { gateway } = await openGateway(t, bao, { server: it.server, auth: it.good })
  await readApp(gateway)
  const before = bao.requestsOn(it.path).length
  const [accessor, ...others] = await accessorsOf(bao, it.path)
  assert.deepEqual(others, [])
  await bao.root('POST', 'auth/token/revoke-accessor', { accessor })
  // A token found alive is believed for a second.
  await wait(1_050)

  const colors = await Promise.all(Array.from({ length: 10 }, () => readApp(gateway)))

  assert.deepEqual(new Set(colors), new Set(['green']))
  assert.equal(bao.requestsOn(it.path).length - before, 1)
  await gateway.close()
}

async function readApp(gateway: Gateway): Promise<unknown> {
  const { data } = await gateway.read('secret/data/app')
  return (data.data as { readonly color?: unknown }).color
}

/** Accessors of the living tokens that were logged in at `path`. */
async function accessorsOf(bao: AuditedBao, path: string): Promise<readonly string[]> {
  const { body } = await bao.root('GET', 'auth/token/accessors?list=true')
  const seen = await Promise.all(
    (body.data.keys as readonly string[]).map((accessor) =>
      bao.call(bao.rootToken, 'POST', 'auth/token/lookup-accessor', { accessor }),
    ),
  )
  return seen.filter(({ body }) => body?.data?.path === path).map(({ body }) => body.data.accessor)
}

async function demandSecondFactor(bao: AuditedBao): Promise<void> {
  const { body } = await bao.root('POST', 'identity/mfa/method/totp', { issuer: 'test', generate: true })
  await bao.root('POST', 'identity/mfa/login-enforcement/all', {
    mfa_method_ids: [body.data.method_id],
    auth_method_types: ['userpass', 'jwt', 'kubernetes', 'cert'],
  })
}
