import assert from 'node:assert/strict'
import test, { type TestContext } from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Gateway, token, userpass } from 'portcullis'
import { realServersAbsent } from '../support/real-servers.ts'
import { type AuditedBao, openGateway, startAuditedBao } from './real.ts'

const skip = await realServersAbsent()

/** Longest that a test waits for what must happen; far beyond every TTL here. */
const PATIENCE_MS = 30_000

test('tokens of every kind on a real server', { skip, concurrency: true }, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', 'secret/data/app', { data: { color: 'green' } })
  await bao.root('PUT', 'sys/policies/acl/app', { policy: 'path "secret/*" { capabilities = ["read", "list"] }' })
  await bao.root('POST', 'sys/auth/userpass', { type: 'userpass' })
  await Promise.all([
    t.test('a short token is renewed ahead, and not logged in again', (t) => isRenewed(t, bao)),
    t.test('a periodic token outlives its period', (t) => isPeriodic(t, bao)),
    t.test('a periodic token that was handed to us outlives its period too', (t) => isHanded(t, bao)),
    t.test('a batch token is replaced ahead of its end and never renewed; that it cannot be revoked is told', (t) =>
      isBatch(t, bao),
    ),
    t.test('a token with an explicit max TTL is renewed up to it, then replaced ahead', (t) => isCapped(t, bao)),
    t.test('a token of limited uses gives way to the next before a caller is refused', (t) => isLimited(t, bao)),
    t.test('403s of a living token cause no login, and of a dead one a single one', (t) => isNoStorm(t, bao)),
  ])
})

interface Opened {
  readonly gateway: Gateway
  readonly logins: readonly unknown[]
  readonly renewals: readonly { readonly ttlMs: number }[]
  readonly leaks: readonly { readonly path: string }[]
  /** Requests of its login that reached the server. */
  loginRequests(): number
}

/** A gateway on a user of its own whose tokens are as `settings` say. */
async function openAs(t: TestContext, bao: AuditedBao, user: string, settings: object): Promise<Opened> {
  const password = 'open-sesame'
  await bao.root('POST', `auth/userpass/users/${user}`, { password, token_policies: ['app'], ...settings })
  const { gateway } = await openGateway(t, bao, { auth: userpass({ username: user, password }) })
  return watched(gateway, () => bao.requestsOn(`auth/userpass/login/${user}`).length)
}

function watched(gateway: Gateway, loginRequests: () => number): Opened {
  const logins: unknown[] = []
  const renewals: { readonly ttlMs: number }[] = []
  const leaks: { readonly path: string }[] = []
  gateway.on('login', (event) => logins.push(event))
  gateway.on('tokenRenewed', (event) => renewals.push(event))
  gateway.on('leaked', (event) => leaks.push(event))
  return { gateway, logins, renewals, leaks, loginRequests }
}

/** Reads every quarter of a second; every read must succeed, up to the moment that `isDone`. */
async function readUntil(gateway: Gateway, isDone: () => boolean): Promise<void> {
  const endMs = performance.now() + PATIENCE_MS
  while (!isDone()) {
    assert.ok(performance.now() < endMs, 'it did not happen in time')
    await gateway.read('secret/data/app')
    await wait(250)
  }
}

async function isRenewed(t: TestContext, bao: AuditedBao): Promise<void> {
  const { gateway, logins, renewals, loginRequests } = await openAs(t, bao, 'short', { token_ttl: '6s' })
  await readUntil(gateway, () => renewals.length >= 2)
  assert.deepEqual([logins.length, loginRequests()], [1, 1])
}

async function isPeriodic(t: TestContext, bao: AuditedBao): Promise<void> {
  const { gateway, logins, renewals } = await openAs(t, bao, 'periodic', { token_period: '6s' })
  await readUntil(gateway, () => renewals.length >= 2)
  assert.equal(logins.length, 1)
  for (const { ttlMs } of renewals) assert.ok(ttlMs > 4_000 && ttlMs <= 6_000, `${ttlMs}`)
}

async function isHanded(t: TestContext, bao: AuditedBao): Promise<void> {
  const { body } = await bao.root('POST', 'auth/token/create', { policies: ['app'], period: '6s' })
  const handed = body.auth.client_token as string
  const opened = await openGateway(t, bao, { auth: token({ token: handed }) })
  const { gateway, renewals } = watched(opened.gateway, () => 0)
  await readUntil(gateway, () => renewals.length >= 2)
  await gateway.close()
  assert.equal((await bao.call(handed, 'GET', 'auth/token/lookup-self')).status, 200)
}

async function isBatch(t: TestContext, bao: AuditedBao): Promise<void> {
  const settings = { token_type: 'batch', token_ttl: '4s' }
  const { gateway, logins, renewals, leaks } = await openAs(t, bao, 'batch', settings)
  await readUntil(gateway, () => logins.length >= 3)
  await gateway.close()
  assert.equal(renewals.length, 0)
  // It lives on until its end, which is said and not hidden.
  assert.ok(leaks.length >= 1 && leaks.every(({ path }) => path === 'auth/token/revoke-self'))
}

async function isCapped(t: TestContext, bao: AuditedBao): Promise<void> {
  const settings = { token_ttl: '4s', token_explicit_max_ttl: '6s' }
  const { gateway, logins, renewals } = await openAs(t, bao, 'capped', settings)
  await readUntil(gateway, () => logins.length >= 2)
  assert.ok(renewals.length >= 1)
}

async function isLimited(t: TestContext, bao: AuditedBao): Promise<void> {
  const { gateway, logins } = await openAs(t, bao, 'limited', { token_num_uses: 4, token_ttl: '1h' })
  for (let n = 0; n < 9; n += 1) await gateway.read('secret/data/app')
  assert.equal(logins.length, 3)
}

async function isNoStorm(t: TestContext, bao: AuditedBao): Promise<void> {
  const { gateway, logins } = await openAs(t, bao, 'storm', { token_ttl: '1h' })
  await gateway.read('secret/data/app')
  await wait(1_050)
  const forbidden = async (): Promise<void> => {
    const reads = Array.from({ length: 20 }, () => gateway.read('sys/mounts'))
    for (const { status } of await Promise.allSettled(reads)) assert.equal(status, 'rejected')
  }
  await forbidden()
  assert.equal(logins.length, 1)
  for (let round = 0; round < 2; round += 1) {
    await killAll(bao, 'auth/userpass/login/storm')
    await wait(1_050)
    await Promise.allSettled(Array.from({ length: 20 }, () => gateway.read('secret/data/app')))
  }
  // The second death falls into the 30 s after the first.
  assert.equal(logins.length, 2)
}

async function killAll(bao: AuditedBao, path: string): Promise<void> {
  const { body } = await bao.root('GET', 'auth/token/accessors?list=true')
  for (const accessor of body.data.keys as readonly string[]) {
    const seen = await bao.call(bao.rootToken, 'POST', 'auth/token/lookup-accessor', { accessor })
    if (seen.body?.data?.path === path) await bao.root('POST', 'auth/token/revoke-accessor', { accessor })
  }
}
