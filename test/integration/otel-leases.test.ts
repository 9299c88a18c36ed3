import assert from 'node:assert/strict'
import test from 'node:test'
import { appRole, type GatewayEvents } from 'portcullis'
import { startApplication } from '../support/otel-3.ts'
import { startOtlpReceiver } from '../support/otlp-receiver.ts'
import { enableDatabase, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { openGateway, startAuditedBao } from './real.ts'

const skip = await realServersAbsent()
const PATH = 'database/creds/app'
const LIMIT_MS = 60_000

test('a held lease on a real server and database is seen over OTLP: login, renewal, rotation, release', {
  skip,
}, async (t) => {
  const receiver = await startOtlpReceiver(t)
  const application = startApplication(t, receiver.address)
  const bao = await startAuditedBao(t)
  const postgres = await startPostgres(t)
  await enableDatabase(bao, postgres, { role: 'app', ttl: '6s', maxTtl: '10s' })
  const policy = 'path "database/*" { capabilities = ["read"] }\npath "sys/leases/revoke" { capabilities = ["update"] }'
  await bao.root('PUT', 'sys/policies/acl/app', { policy })
  await bao.root('POST', 'sys/auth/approle', { type: 'approle' })
  await bao.root('POST', 'auth/approle/role/app', { token_policies: ['app'], token_ttl: '1h' })
  const { body: id } = await bao.root('GET', 'auth/approle/role/app/role-id')
  const { body: secret } = await bao.root('POST', 'auth/approle/role/app/secret-id', {})
  const { gateway, entries } = await openGateway(t, bao, {
    auth: appRole({ roleId: id.data.role_id, secretId: secret.data.secret_id }),
  })
  const happened = (event: keyof GatewayEvents): Promise<void> =>
    new Promise((resolve, reject) => {
      const limit = setTimeout(() => reject(new Error(`no ${event} within ${LIMIT_MS} ms`)), LIMIT_MS)
      gateway.on(event, () => {
        clearTimeout(limit)
        resolve()
      })
    })
  const both = Promise.all([happened('renewed'), happened('rotated')])

  const lease = await gateway.lease<{ readonly username: string; readonly password: string }>(PATH)
  const first = lease.current()
  await both
  const second = lease.current()
  await lease.close()
  await gateway.close()
  await application.close()

  const ours = receiver.spans().filter(({ scope }) => scope === 'portcullis')
  for (const name of ['session.login', 'lease.renew', 'lease.rotate', 'lease.revoke'])
    assert.ok(
      ours.some((span) => span.name === `portcullis.${name}` && span.statusCode === 0),
      name,
    )
  const points = receiver.metricPoints()
  for (const name of ['session.logins', 'lease.renewals', 'lease.rotations', 'lease.ended'])
    assert.ok(
      points.some((point) => point.name === `portcullis.${name}`),
      name,
    )
  const own = new Set(entries().flatMap(({ caller, request }) => (caller.service === 'portcullis' ? request.path : [])))
  for (const path of ['auth/approle/login', 'sys/leases/renew', 'sys/leases/revoke']) assert.ok(own.has(path), path)
  const bytes = receiver.text()
  assert.notEqual(first.data.username, second.data.username)
  for (const { data, leaseId } of [first, second]) {
    for (const value of [data.username, data.password, leaseId]) assert.equal(bytes.includes(value), false)
  }
  assert.equal(bytes.includes(secret.data.secret_id), false)
  assert.equal(bytes.includes(PATH), false)
})
