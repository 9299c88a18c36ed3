import assert from 'node:assert/strict'
import { test } from 'node:test'
import { postgres, rootKeyOf, transitSeal } from 'portcullis/plugin-host'
import { startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { gatewayOver, startHost } from './plugin-host-world.ts'
import { allowing, openGateway, startAuditedBao } from './real.ts'

const skip = await realServersAbsent()
const ALL = { policy: 'all', rules: [{ path: '*', operations: ['*'], effect: 'allow' }] }
const MOUNTS = { secret: { type: 'kv', options: { version: '2' } } }

test('a host on PostgreSQL: its key ring is rotated and sealed anew under load, and it starts again with the new key alone', {
  skip,
}, async (t) => {
  const database = await startPostgres(t)
  const oldKey = rootKeyOf(crypto.getRandomValues(new Uint8Array(32)))
  const newKey = rootKeyOf(crypto.getRandomValues(new Uint8Array(32)))
  const driver = postgres({ connectionString: database.adminUrl, table: 'host' })
  const it = await startHost(t, { mounts: MOUNTS }, { driver, rootKey: oldKey })
  const { gateway } = await gatewayOver(t, it.host, { policies: [ALL] })
  const kv = gateway.kv('secret')
  let isOver = false
  const written: string[] = []
  const load = (async (): Promise<void> => {
    while (!isOver) {
      const name = `k${written.length}`
      await kv.write(name, { value: `treasure-${name}` })
      written.push(name)
    }
  })()
  const more = async (): Promise<void> => {
    const goal = written.length + 5
    while (written.length < goal) await new Promise((resolve) => setTimeout(resolve, 5))
  }
  await more()
  await it.storage.rotate()
  await more()
  await it.storage.rekey(newKey)
  await more()
  await it.storage.rotate()
  await more()
  isOver = true
  await load
  const rows = await database.query('SELECT value FROM host')
  assert.ok(rows.length > written.length)
  assert.ok(!rows.some(({ value }) => Buffer.from(value as Uint8Array).includes('treasure')))

  await it.host.close()
  await assert.rejects(it.restart(), { code: 'ERR_PORTCULLIS_STORAGE_KEY' })
  it.rootKey = newKey
  const { gateway: again } = await gatewayOver(t, await it.restart(), { policies: [ALL] })
  for (const name of written)
    assert.deepEqual((await again.kv('secret').read(name)).value, { value: `treasure-${name}` })
  t.diagnostic(`${written.length} secrets written during two rotations and a rekey`)
})

test('a host unseals by the transit engine of a real server, and not without it', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', 'sys/mounts/transit', { type: 'transit' })
  await bao.root('POST', 'transit/keys/portcullis', {})
  const policies = [allowing(['transit/encrypt/portcullis', 'transit/decrypt/portcullis'], ['update'])]
  const { gateway: keys } = await openGateway(t, bao, { policies })
  const it = await startHost(t, { mounts: MOUNTS }, { rootKey: transitSeal(keys, 'portcullis') })
  const { gateway } = await gatewayOver(t, it.host, { policies: [ALL] })
  await gateway.kv('secret').write('a', { color: 'green' })
  await gateway.close()
  const { gateway: again } = await gatewayOver(t, await it.restart(), { policies: [ALL] })
  assert.deepEqual((await again.kv('secret').read('a')).value, { color: 'green' })
  await bao.root('POST', 'transit/keys/portcullis/config', { deletion_allowed: true })
  await bao.root('DELETE', 'transit/keys/portcullis')
  await assert.rejects(it.restart(), { code: 'ERR_PORTCULLIS_STORAGE_KEY' })
})
