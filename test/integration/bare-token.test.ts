import assert from 'node:assert/strict'
import test from 'node:test'
import { setTimeout as wait } from 'node:timers/promises'
import { type Answer, type Gateway, userpass } from 'portcullis'
import { realServersAbsent } from '../support/real-servers.ts'
import { type AuditedBao, openGateway, startAuditedBao } from './real.ts'

const skip = await realServersAbsent()
const ACL = `path "secret/app" { capabilities = ["read"] }
path "auth/token/revoke-self" { capabilities = ["update"] }`

async function opened(t: test.TestContext): Promise<{ bao: AuditedBao; gateway: Gateway; logins: unknown[] }> {
  const bao = await startAuditedBao(t, { leasedKv: true })
  await bao.root('POST', 'secret/app', { value: 'x', ttl: '1h' })
  await bao.root('PUT', 'sys/policies/acl/bare', { policy: ACL })
  await bao.root('POST', 'sys/auth/userpass', { type: 'userpass' })
  const settings = { password: 'open-sesame', token_policies: ['bare'], token_no_default_policy: true }
  await bao.root('POST', 'auth/userpass/users/bare', settings)
  const { gateway } = await openGateway(t, bao, { auth: userpass({ username: 'bare', password: 'open-sesame' }) })
  const logins: unknown[] = []
  gateway.on('login', (event) => logins.push(event))
  return { bao, gateway, logins }
}

async function killAll(bao: AuditedBao): Promise<void> {
  const { body } = await bao.root('GET', 'auth/token/accessors?list=true')
  for (const accessor of body.data.keys as readonly string[]) {
    const seen = await bao.call(bao.rootToken, 'POST', 'auth/token/lookup-accessor', { accessor })
    if (seen.body?.data?.path === 'auth/userpass/login/bare') {
      await bao.root('POST', 'auth/token/revoke-accessor', { accessor })
    }
  }
}

test('a token without the default policy: refusals cause no login, its leases stay, and its death is found', {
  skip,
}, async (t) => {
  const { bao, gateway, logins } = await opened(t)
  await gateway.read('secret/app')
  for (let round = 0; round < 7; round += 1) {
    const refused = Array.from({ length: 10 }, () => gateway.read('sys/mounts'))
    for (const { status } of await Promise.allSettled(refused)) assert.equal(status, 'rejected')
    await wait(1_000)
  }
  // Past the 5 s after which a lease has to be verified, which this token may not.
  assert.equal((await gateway.read('secret/app')).source, 'cache')
  assert.equal(logins.length, 1)
  assert.equal(bao.requestsOn('secret/app').length, 2, 'one to write it, one to read it')

  await killAll(bao)
  const alive: Answer = await gateway.read('secret/other').catch(() => gateway.read('secret/app'))
  assert.equal(alive.source, 'server')
  assert.equal(logins.length, 2)
})

test('killed right after its login, no caller sees a 403', { skip }, async (t) => {
  const { bao, gateway, logins } = await opened(t)
  await gateway.read('secret/app')
  await killAll(bao)
  gateway.evict({ all: true })
  const read = await Promise.all(Array.from({ length: 20 }, () => gateway.read('secret/app')))
  assert.deepEqual(new Set(read.map(({ data }) => data.value)), new Set(['x']))
  assert.equal(logins.length, 2)
})
