import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { join } from 'node:path'
import test from 'node:test'
import { lmdb } from '../../lib/plugin-host/storage/lmdb.ts'
import { createStorage } from '../../lib/plugin-host/storage/storage.ts'
import { transitSeal } from '../../lib/plugin-host/storage/transit-seal.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { allowing, openGateway, startAuditedBao, temporaryFolder } from './real.ts'

const skip = await realServersAbsent()

test('a storage unseals by the transit engine of a real server, through a gateway with a policy', {
  skip,
}, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', 'sys/mounts/transit', { type: 'transit' })
  await bao.root('POST', 'transit/keys/portcullis', {})
  const policies = [allowing(['transit/encrypt/portcullis', 'transit/decrypt/portcullis'], ['update'])]
  const { gateway } = await openGateway(t, bao, { policies })
  const driver = lmdb(join(temporaryFolder(t), 'storage'))
  const rootKey = transitSeal(gateway, 'portcullis')

  const first = await createStorage({ driver, rootKey })
  await first.write([{ key: 'a', value: Buffer.from('one') }])
  await first.close()
  // A rotated key in transit still opens what its older version closed.
  await bao.root('POST', 'transit/keys/portcullis/rotate', {})
  const second = await createStorage({ driver, rootKey })
  assert.equal(Buffer.from((await second.get('a')) ?? []).toString(), 'one')
  await second.rekey(rootKey)
  await second.close()
  await bao.root('POST', 'transit/keys/portcullis/config', { min_decryption_version: 2 })
  const third = await createStorage({ driver, rootKey })
  assert.equal(Buffer.from((await third.get('a')) ?? []).toString(), 'one')
  await third.close()
  assert.equal(bao.requestsOn('transit/decrypt/portcullis').length, 4)

  await bao.root('POST', 'transit/keys/portcullis/config', { deletion_allowed: true })
  await bao.root('DELETE', 'transit/keys/portcullis')
  await assert.rejects(createStorage({ driver, rootKey }), { code: 'ERR_PORTCULLIS_STORAGE_KEY', temporary: false })
})
