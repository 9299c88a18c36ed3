import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startElasticsearch } from '../plugin-host/database/elasticsearch.ts'
import { ELASTICSEARCH_PLUGIN, goPlugin, REDIS_PLUGIN } from '../support/go-plugins.ts'
import { startRedis } from '../support/redis.ts'
import { sha256Of } from '../support/sha256.ts'
import { gatewayOver, startHost } from './plugin-host-world.ts'

const CREDS = {
  policy: 'app',
  rules: [
    { path: 'db/creds/*', operations: ['read'], effect: 'allow' },
    { path: 'sys/leases/*', operations: ['*'], effect: 'allow' },
  ],
}

interface Credential {
  readonly username: string
  readonly password: string
}

test('the Redis plugin of the field drives a real Redis: users made, used, revoked, and the root password rotated', async (t) => {
  const [redis, command] = [await startRedis(t), await goPlugin(t, REDIS_PLUGIN)]
  const it = await startHost(t, {
    plugins: [{ name: 'redis', type: 'database', command, sha256: sha256Of(command) }],
    mounts: { db: { type: 'database' } },
  })
  const operator = { auth: it.host.operatorAuth(), dangerouslyAllowEverything: true }
  const { gateway: admin } = await gatewayOver(t, it.host, operator)
  const { gateway } = await gatewayOver(t, it.host, { policies: [CREDS] })
  const login = { username: 'default', password: redis.password, host: '127.0.0.1', port: redis.port }
  const config = { plugin_name: 'redis', allowed_roles: '*', ...login }
  await assert.rejects(admin.write('db/config/r', { ...config, password: 'wrong' }), {
    code: 'ERR_PORTCULLIS_SERVER_BAD_REQUEST',
  })
  await admin.write('db/config/r', config)
  await admin.write('db/roles/reader', { db_name: 'r', creation_statements: '["+@read", "~*"]', default_ttl: '1h' })

  const { data, leaseId } = await gateway.read<Credential>('db/creds/reader')
  assert.equal(await redis.ask(data.username, data.password, 'GET nothing'), '$-1')
  assert.match(await redis.ask(data.username, data.password, 'SET a b'), /^-NOPERM/)
  await gateway.write('sys/leases/revoke', { lease_id: leaseId, sync: true })
  assert.match(await redis.ask(data.username, data.password, 'GET nothing'), /^-WRONGPASS/)

  await admin.write('db/rotate-root/r', {})
  assert.match(await redis.ask('default', redis.password, 'PING'), /^-WRONGPASS/)
  const next = (await gateway.read<Credential>('db/creds/reader')).data
  assert.equal(await redis.ask(next.username, next.password, 'GET nothing'), '$-1')
})

test('the Elasticsearch plugin of the field behind a mount of the host, and known after its new start', async (t) => {
  const [database, command] = [await startElasticsearch(t, 'first'), await goPlugin(t, ELASTICSEARCH_PLUGIN)]
  const it = await startHost(t, {
    plugins: [{ name: 'es', type: 'database', command, sha256: sha256Of(command) }],
    mounts: { db: { type: 'database' } },
  })
  const operator = { auth: it.host.operatorAuth(), dangerouslyAllowEverything: true }
  const { gateway: admin } = await gatewayOver(t, it.host, operator)
  const { url } = database
  const creation_statements = '{"elasticsearch_role_definition": {"indices": [{"names":["*"], "privileges":["read"]}]}}'
  await admin.write('db/config/e', {
    ...{ plugin_name: 'es', allowed_roles: '*', url, username: 'elastic', password: 'first' },
  })
  await admin.write('db/roles/r', { db_name: 'e', creation_statements, default_ttl: '1h' })
  const { data, leaseId } = await admin.read<Credential>('db/creds/r')
  assert.equal(database.users.get(data.username), data.password)
  await admin.write('db/rotate-root/e', {})
  assert.notEqual(database.users.get('elastic'), 'first')
  await it.restart()
  assert.deepEqual(it.host.operator.leases(), [leaseId])
  await it.host.operator.unmount('db')
  assert.deepEqual([...database.users.keys()], ['elastic'])
})
