import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { StorageError } from '../../../lib/errors/index.ts'
import type { SystemView } from '../../../lib/model/backend.ts'
import { serveEvents } from '../../../lib/plugin-host/process/event-service.ts'
import { MountStorage } from '../../../lib/plugin-host/process/mount-storage.ts'
import { serveStorage } from '../../../lib/plugin-host/process/storage-service.ts'
import { serveView } from '../../../lib/plugin-host/process/view-service.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import * as services from '../../../lib/plugin-host/wire/gen/services.ts'
import { type Channel, openChannel } from '../../../lib/plugin-host/wire/grpc/channel.ts'
import { createGrpcServer } from '../../../lib/plugin-host/wire/grpc/server.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { systemClock } from '../../../lib/system/clock.ts'
import { systemRandom } from '../../../lib/system/random.ts'
import { VIEW } from './plugins-for-test.ts'

const { StorageService, SystemViewService, EventsService, ObservationsService } = services

async function served(
  t: TestContext,
  {
    store = memory(),
    view = VIEW,
    onEvent = () => {},
  }: { store?: Store; view?: SystemView; onEvent?: () => void } = {},
): Promise<Channel> {
  const folder = mkdtempSync(join(tmpdir(), 'services-'))
  const server = createGrpcServer()
  const limits = { maxKeyBytes: 4096, maxValueBytes: 1024 }
  serveStorage(server, new MountStorage({ store, limits, clock: systemClock, random: systemRandom }))
  serveView(server, view, '1.2.3')
  serveEvents(server, onEvent)
  const address = await server.listen({ path: join(folder, 's') })
  const channel = await openChannel(address)
  t.after(async () => {
    await channel.close()
    await server.close(0)
    rmSync(folder, { recursive: true, force: true })
  })
  return channel
}

const entry = (key: string, text: string) => ({ entry: { key, value: Buffer.from(text), sealWrap: false }, txn: '' })

test('storage answers as plugins expect: missing keys, deletes of nothing, sorted folders, pages', async (t) => {
  const channel = await served(t)
  assert.deepEqual(await channel.unary(StorageService.get, { key: 'a', txn: '' }), { entry: undefined, err: '' })
  assert.equal((await channel.unary(StorageService.delete, { key: 'a', txn: '' })).err, '')
  for (const key of ['b', 'a', 'a/1', 'a/2', 'c/d/e']) await channel.unary(StorageService.put, entry(key, key))
  const { entry: found } = await channel.unary(StorageService.get, { key: 'a/1', txn: '' })
  assert.equal(Buffer.from(found?.value ?? []).toString(), 'a/1')
  const list = async (prefix: string) => (await channel.unary(StorageService.list, { prefix, txn: '' })).keys
  assert.deepEqual(await list(''), ['a', 'a/', 'b', 'c/'])
  assert.deepEqual(await list('c/'), ['d/'])
  assert.deepEqual(await list('none/'), [])
  const page = { prefix: '', after: 'a', limit: 2, txn: '' }
  assert.deepEqual((await channel.unary(StorageService.listPage, page)).keys, ['a/', 'b'])
  const all = { prefix: '', after: '', limit: -1, txn: '' }
  assert.equal((await channel.unary(StorageService.listPage, all)).keys.length, 4)
})

test('an entry that is missing, and keys that lead upwards, are refused in words', async (t) => {
  const channel = await served(t)
  assert.match((await channel.unary(StorageService.put, { entry: undefined, txn: '' })).err, /needed/)
  const { err } = await channel.unary(StorageService.get, { key: '../x', txn: '' })
  assert.equal(err, 'relative paths not supported')
})

test('transactions go over the wire', async (t) => {
  const channel = await served(t)
  assert.equal((await channel.unary(StorageService.isTransactional, {})).transactional, true)
  const { txn } = await channel.unary(StorageService.beginTx, {})
  await channel.unary(StorageService.put, { ...entry('a', '1'), txn })
  assert.equal((await channel.unary(StorageService.get, { key: 'a', txn: '' })).entry, undefined)
  assert.equal((await channel.unary(StorageService.commit, { txn })).err, '')
  assert.ok((await channel.unary(StorageService.get, { key: 'a', txn: '' })).entry)
  assert.equal((await channel.unary(StorageService.commit, { txn })).err, 'unknown transaction')
  const readOnly = await channel.unary(StorageService.beginReadOnlyTx, {})
  const { err } = await channel.unary(StorageService.put, { ...entry('a', '2'), txn: readOnly.txn })
  assert.equal(err, 'cannot write to readonly storage')
  assert.equal((await channel.unary(StorageService.rollback, { txn: readOnly.txn })).err, '')
})

test('of a storage that fails a plugin learns the code alone', async (t) => {
  const fail = () => Promise.reject(new StorageError('ERR_PORTCULLIS_STORAGE_CORRUPT', 'logical/other-mount/secret'))
  const channel = await served(t, { store: { get: fail, list: fail, write: fail, close: async () => {} } })
  const { err } = await channel.unary(StorageService.get, { key: 'a', txn: '' })
  assert.equal(err, 'storage failed: ERR_PORTCULLIS_STORAGE_CORRUPT')
})

test('the system view: times in ns, never 0, an environment always, rotation jobs forgotten gladly', async (t) => {
  const channel = await served(t, { view: { ...VIEW, maxLeaseTtlMs: 0 } })
  assert.equal((await channel.unary(SystemViewService.defaultLeaseTtl, {})).TTL, 3_600_000_000_000n)
  assert.equal((await channel.unary(SystemViewService.maxLeaseTtl, {})).TTL, 1_000_000_000n)
  const { pluginEnvironment } = await channel.unary(SystemViewService.pluginEnv, {})
  assert.equal(pluginEnvironment?.vaultVersion, '1.2.3')
  assert.equal((await channel.unary(SystemViewService.replicationState, {})).state, 12_288)
  assert.equal((await channel.unary(SystemViewService.clusterInfo, {})).clusterId, 'c1')
  assert.equal((await channel.unary(SystemViewService.entityInfo, { entityId: '' })).entity, undefined)
  assert.deepEqual(await channel.unary(SystemViewService.deregisterRotationJob, { req: undefined }), {})
  for (const method of [SystemViewService.registerRotationJob, SystemViewService.registerRotationJobWithResponse]) {
    await assert.rejects(channel.unary<{ job: undefined }, unknown>(method as never, { job: undefined }), { code: 12 })
  }
  const token = channel.unary(SystemViewService.generateIdentityToken, { audience: 'a', ttl: 1n })
  await assert.rejects(token, { code: 12 })
})

test('passwords and wraps are the host’s; what it refuses is refused without its reasons', async (t) => {
  const wraps: unknown[] = []
  const channel = await served(t, {
    view: {
      ...VIEW,
      wrap: async (data, ttlMs) => {
        wraps.push([data, ttlMs])
        return { token: 's.w', accessor: 'acc', ttlMs, createdAtMs: 1500, creationPath: 'sys/wrapping/wrap' }
      },
      password: (policy) => (policy === 'p' ? Promise.resolve('pw') : Promise.reject(new Error('secret reason'))),
    },
  })
  const wrap = (TTL: bigint, JWT = false) => channel.unary(SystemViewService.responseWrapData, { data: '{}', TTL, JWT })
  const { wrapInfo } = await wrap(60_000_000_000n)
  assert.deepEqual([wrapInfo?.token, wrapInfo?.creationTime], ['s.w', { seconds: 1n, nanos: 500_000_000 }])
  assert.deepEqual(wraps, [['{}', 60_000]])
  assert.notEqual((await wrap(0n)).err, '')
  assert.notEqual((await wrap(1_000_000_000n, true)).err, '')
  const password = (policyName: string) => channel.unary(SystemViewService.generatePasswordFromPolicy, { policyName })
  assert.equal((await password('p')).password, 'pw')
  await assert.rejects(password(''), { code: 3 })
  await assert.rejects(password('q'), { code: 13, message: 'failed to generate password' })
})

test('events are passed on, whatever their listener does', async (t) => {
  const heard: unknown[] = []
  const channel = await served(t, {
    onEvent: (...args: unknown[]) => {
      heard.push(args[0])
      throw new Error('no')
    },
  })
  await channel.unary(EventsService.sendEvent, { eventType: 'kv-v2/data-write', event: undefined })
  await channel.unary(ObservationsService.recordObservation, { observationType: 'x', data: undefined })
  assert.deepEqual(heard, ['kv-v2/data-write'])
})
