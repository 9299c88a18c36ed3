import assert from 'node:assert/strict'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { BackendReply, BackendRequest } from '../../../lib/model/backend.ts'
import {
  BackendService,
  DatabaseService,
  GRPCBrokerService,
  HealthService,
  PluginMultiplexingService,
  PluginVersionService,
  StorageService,
  SystemViewService,
} from '../../../lib/plugin-host/wire/gen/services.ts'
import { createGrpcServer } from '../../../lib/plugin-host/wire/grpc/server.ts'
import { reflect } from '../../../lib/plugin-host/wire/reflection.ts'
import { replyFromWire, specialPathsFromWire } from '../../../lib/plugin-host/wire/reply.ts'
import { requestToWire } from '../../../lib/plugin-host/wire/request.ts'
import { setupToWire } from '../../../lib/plugin-host/wire/setup.ts'
import { changeFromWire, entryToWire } from '../../../lib/plugin-host/wire/storage.ts'
import { environmentToWire, REPLICATION_OFF } from '../../../lib/plugin-host/wire/system-view.ts'
import { msToWire } from '../../../lib/plugin-host/wire/units.ts'
import { type PluginProcess, startPlugin } from '../../support/go-plugin-process.ts'
import { ELASTICSEARCH_PLUGIN, goPlugin, KV_PLUGIN, REDIS_PLUGIN, TERRAFORM_PLUGIN } from '../../support/go-plugins.ts'
import { ends } from './grpc/peers.ts'

test('a Go plugin answers: health, version, multiplexing, and errors with their texts', async (t) => {
  const { channel, version } = await startPlugin(t, await goPlugin(t, KV_PLUGIN))
  assert.equal(version, '5')
  assert.deepEqual(await channel.unary(HealthService.check, { service: 'plugin' }), { status: 1 })
  assert.equal((await channel.unary(PluginMultiplexingService.multiplexingSupport, {})).supported, true)
  await ends(channel.unary(HealthService.check, { service: 'x' }), 5)
  await ends(channel.unary(BackendService.type, {}), 2, /multiplexing ID/)
  await ends(
    channel.unary(BackendService.type, {}, { metadata: { multiplex_id: 'a' } }),
    2,
    /no backend instance found/,
  )
  await ends(channel.unary(DatabaseService.type, {}), 12)
})

test('a Go plugin keeps a secret in the storage that we serve it, over mutual TLS both ways', async (t) => {
  const plugin = await startPlugin(t, await goPlugin(t, KV_PLUGIN))
  const { stored, metadata } = await setUp(t, plugin)
  // It was built without telling it its version.
  assert.deepEqual(await plugin.channel.unary(PluginVersionService.version, {}, { metadata }), { pluginVersion: '' })
  assert.equal((await plugin.channel.unary(BackendService.type, {}, { metadata })).type, 1)
  const handle = (operation: BackendRequest['operation'], path: string, data: string): Promise<BackendReply> =>
    plugin.channel
      .unary(
        BackendService.handleRequest,
        { storageId: 0, request: requestToWire({ ...REQUEST, operation, path, data }) },
        { metadata },
      )
      .then(replyFromWire)
  assert.deepEqual(await handle('update', 'app/db', '{"password":"s3cret"}'), {})
  assert.deepEqual([...stored.keys()], ['app/db'])
  const { response, error } = await handle('read', 'app/db', 'null')
  assert.equal(error, undefined)
  assert.deepEqual(JSON.parse(response?.data ?? ''), { password: 's3cret' })
  assert.equal(response?.secret?.ttlMs, 2_764_800_000)
  assert.deepEqual((await handle('list', 'app/', '{}')).response?.data, '{"keys":["db"]}')
  const { paths } = await plugin.channel.unary(BackendService.specialPaths, {}, { metadata })
  assert.deepEqual(specialPathsFromWire(paths), PATHS)
  assert.deepEqual(await handle('rollback', '', 'null'), {})
  assert.equal((await handle('renew', 'app/db', 'null')).error?.kind, 'other')
})

test('a Go plugin refuses whoever shows another certificate', async (t) => {
  const { channel, openAsStranger } = await startPlugin(t, await goPlugin(t, KV_PLUGIN))
  const refused = openAsStranger().then(async (stranger) => {
    t.after(() => stranger.close())
    await stranger.unary(HealthService.check, { service: 'plugin' })
  })
  await ends(refused, 14)
  assert.deepEqual(await channel.unary(HealthService.check, { service: 'plugin' }), { status: 1 })
})

test('our messages and services are those that Go plugins were built with', async (t) => {
  const kinds = [
    [KV_PLUGIN, 'backend', 'pb.Backend'],
    [TERRAFORM_PLUGIN, 'backend', 'pb.Backend'],
    [ELASTICSEARCH_PLUGIN, 'database', 'dbplugin.v5.Database'],
    [REDIS_PLUGIN, 'database', 'dbplugin.v5.Database'],
  ] as const
  for (const [plugin, kind, service] of kinds) {
    const { channel } = await startPlugin(t, await goPlugin(t, plugin), kind)
    const reflection = await reflect(channel, 10_000)
    assert.ok(reflection, plugin.name)
    assert.ok(reflection.services.includes(service), plugin.name)
    assert.deepEqual(reflection.differences, [], plugin.name)
  }
})

test('of 10,000 calls, 16 in flight, none is lost', async (t) => {
  const { channel } = await startPlugin(t, await goPlugin(t, KV_PLUGIN))
  let left = 10_000
  let served = 0
  const work = async (): Promise<void> => {
    for (; left > 0; served += 1) {
      left -= 1
      const { status } = await channel.unary(HealthService.check, { service: 'plugin' }, { timeoutMs: 30_000 })
      assert.equal(status, 1)
    }
  }
  await Promise.all(Array.from({ length: 16 }, work))
  assert.equal(served, 10_000)
})

test('calls under way fail when the plugin is killed, and later ones at once', async (t) => {
  const { channel, pid } = await startPlugin(t, await goPlugin(t, KV_PLUGIN))
  const watching = (async () => {
    for await (const { status } of channel.serverStream(HealthService.watch, { service: 'plugin' })) {
      assert.equal(status, 1)
      process.kill(pid, 'SIGKILL')
    }
  })()
  await ends(watching, 14)
  await channel.closed
  await ends(channel.unary(HealthService.check, { service: 'plugin' }), 14)
})

const PATHS = { root: [], unauthenticated: [], localStorage: [], sealWrapStorage: ['*'] }
const REQUEST: BackendRequest = {
  id: 'r1',
  operation: 'read',
  path: '',
  data: 'null',
  clientToken: 'hash',
  clientTokenAccessor: 'accessor',
  displayName: 'token',
  mountPoint: 'kv/',
  mountType: 'kv',
  mountAccessor: 'kv_1',
  entityId: '',
  unauthenticated: false,
  remoteAddress: '127.0.0.1',
  wrapTtlMs: 0,
}

/** Serves storage and system view to the plugin, and mounts kv v1 on them. */
async function setUp(
  t: TestContext,
  { channel, identity, path }: PluginProcess,
): Promise<{ readonly stored: Map<string, Uint8Array>; readonly metadata: Record<string, string> }> {
  const stored = new Map<string, Uint8Array>()
  const server = createGrpcServer({ tls: identity })
  t.after(() => server.close(0))
  server.add(StorageService, {
    get: ({ key }) => entryToWire(key, stored.get(key)),
    put: (args) => {
      const change = changeFromWire(args)
      if (change?.value !== undefined) stored.set(change.key, change.value)
      return { err: '', walIndex: undefined }
    },
    list: ({ prefix }) => {
      const keys = [...stored.keys()].filter((key) => key.startsWith(prefix)).map((key) => key.slice(prefix.length))
      return { keys, err: '' }
    },
  })
  server.add(SystemViewService, {
    defaultLeaseTtl: () => ({ TTL: msToWire(2_764_800_000) }),
    maxLeaseTtl: () => ({ TTL: msToWire(2_764_800_000) }),
    replicationState: () => ({ state: REPLICATION_OFF }),
    pluginEnv: () => environmentToWire('1.21.4'),
    cachingDisabled: () => ({ disabled: false }),
  })
  const address = join(dirname(path), 'broker')
  await server.listen({ path: address })
  const broker = channel.duplex(GRPCBrokerService.startStream)
  t.after(() => broker.cancel())
  await broker.send({ serviceId: 1, network: 'unix', address, knock: undefined })
  const metadata = { multiplex_id: 'a1b2c3d4e5' }
  const mount = { type: 'secret', pluginName: 'kv', pluginVersion: '', backendUuid: 'uuid', options: {} } as const
  const { err } = await channel.unary(BackendService.setup, setupToWire(mount, 1), { metadata, timeoutMs: 10_000 })
  assert.equal(err, '')
  await channel.unary(BackendService.initialize, {}, { metadata })
  return { stored, metadata }
}
