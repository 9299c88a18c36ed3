import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBao } from './bao.ts'
import { enableDatabase, startPostgres } from './postgres.ts'
import { realServersAbsent } from './real-servers.ts'

const skip = await realServersAbsent()

test('a user that a real OpenBao makes can log in to a real PostgreSQL, until its lease is revoked', {
  skip,
}, async (t) => {
  const [bao, postgres] = await Promise.all([startBao(t), startPostgres(t)])
  await enableDatabase(bao, postgres, { role: 'app', ttl: '60s', maxTtl: '120s' })

  const { body } = await bao.root('GET', 'database/creds/app')
  const client = await postgres.connect(body.data.username, body.data.password)
  const { rows } = await client.query('select current_user as name')
  await client.end()
  assert.equal(rows[0].name, body.data.username)
  await assert.rejects(postgres.connect(body.data.username, 'wrong'), /password authentication failed/)

  await bao.root('POST', 'sys/leases/revoke', { lease_id: body.lease_id, sync: true })
  await assert.rejects(postgres.connect(body.data.username, body.data.password), /password authentication failed/)
})

test('a leased kv answers with a lease, and audit devices can be made by the API', { skip }, async (t) => {
  const bao = await startBao(t, { leasedKv: true, apiAudit: true })
  await bao.root('POST', 'secret/a', { value: 'x', ttl: '30s' })
  const { body } = await bao.root('GET', 'secret/a')
  assert.match(body.lease_id, /^secret\/a\//)
  assert.equal(body.lease_duration, 30)
  const audit = await bao.root('POST', 'sys/audit/file', { type: 'file', options: { file_path: '/dev/null' } })
  assert.equal(audit.status, 204)
})
