import assert from 'node:assert/strict'
import { statSync } from 'node:fs'
import { test } from 'node:test'
import { data, definePlugin, path } from 'portcullis/plugin'
import { createCertificate } from '../../lib/plugin-host/wire/certificate.ts'
import {
  BackendService,
  GRPCControllerService,
  GRPCStdioService,
  HealthService,
  PluginMultiplexingService,
  PluginVersionService,
  ServerReflectionService,
} from '../../lib/plugin-host/wire/gen/services.ts'
import { openChannel } from '../../lib/plugin-host/wire/grpc/channel.ts'
import { GRPC_STATUS } from '../../lib/plugin-host/wire/grpc/status.ts'
import { reflect } from '../../lib/plugin-host/wire/reflection.ts'
import { ends, until } from '../plugin-host/wire/grpc/peers.ts'
import { plugin } from './example.ts'
import { metadata, startFakeHost } from './fake-host.ts'

const probe = definePlugin({
  name: 'probe',
  type: 'secret',
  paths: [
    path('slow', {
      read: ({ signal, log }) =>
        new Promise((_, reject) => {
          signal.addEventListener('abort', () => {
            log.info('given up')
            reject(new Error('given up'))
          })
        }),
    }),
    path('max', { read: async ({ system }) => data({ max: await system.maxLeaseTtlMs() }) }),
    path('write/:key', {
      write: async ({ params, storage }) => storage.putJson(params.key, { value: params.key }),
      read: async ({ params, storage }) => storage.getJson(params.key),
    }),
    path('both', {
      write: ({ storage }) =>
        storage.transaction(async (inside) => {
          await inside.putJson('one', 1)
          await inside.putJson('two', 2)
          if ((await inside.list('')).length !== 2) throw new Error('a transaction sees what it wrote')
        }),
      delete: ({ storage }) =>
        storage.transaction(async (inside) => {
          await inside.delete('one')
          throw new Error('no')
        }),
    }),
    path('page', { read: async ({ storage }) => data({ keys: await storage.list('', { after: 'a', limit: 2 }) }) }),
    path('event', { read: ({ system }) => system.sendEvent('probe/happened', { path: 'x' }) }),
  ],
})

for (const tls of [true, false]) {
  test(`a mount is set up and serves requests, ${tls ? 'with' : 'without'} AutoMTLS`, async (t) => {
    const host = await startFakeHost(t, [plugin], { tls })
    assert.match(
      host.running.line,
      tls ? /^1\|5\|unix\|[^|]+\|grpc\|[A-Za-z0-9+/]{200,}$/ : /^1\|5\|unix\|[^|]+\|grpc\|$/,
    )
    assert.equal(await host.setup('one', { plugin_name: 'accounts', plugin_type: 'secret' }), '')
    const written = await host.handle('one', { operation: 'update', path: 'roles/app', data: '{"ttl":"1h"}' })
    assert.deepEqual(written, { status: 'ok', data: undefined })
    const read = await host.handle('one', { path: 'roles/app' })
    assert.deepEqual(read.data, { ttl: 3600, groups: [] })
  })
}

test('the socket is for its owner alone', { skip: process.platform === 'win32' }, async (t) => {
  const { running } = await startFakeHost(t, [plugin])
  assert.ok('path' in running.address)
  assert.equal(statSync(running.address.path).mode & 0o777, 0o600)
})

test('a caller with another certificate is not let in', async (t) => {
  const { running } = await startFakeHost(t, [plugin])
  const other = await createCertificate()
  const opened = openChannel(running.address, { tls: { ca: other.certPem, cert: other.certPem, key: other.keyPem } })
  await ends(opened, GRPC_STATUS.unavailable)
})

test('mounts of one process share nothing but the process', async (t) => {
  const host = await startFakeHost(t, [plugin])
  await host.setup('one')
  await host.setup('two')
  assert.deepEqual(await host.channel.unary(PluginMultiplexingService.multiplexingSupport, {}), { supported: true })
  await host.channel.unary(BackendService.cleanup, {}, metadata('one'))
  await ends(host.handle('one', { path: 'roles/app' }), GRPC_STATUS.unknown, /no backend instance found/)
  assert.deepEqual((await host.handle('two', { path: 'fail/refuse' })).data, { error: 'not today' })
  await host.channel.unary(BackendService.cleanup, {}, metadata('one'))
})

test('without multiplexing there is one mount, whatever id comes, and the service is not there', async (t) => {
  const host = await startFakeHost(t, [plugin], { multiplexing: false })
  await host.setup('one')
  const support = host.channel.unary(PluginMultiplexingService.multiplexingSupport, {})
  await ends(support, GRPC_STATUS.unimplemented)
  assert.deepEqual((await host.handle('another', { path: 'fail/refuse' })).data, { error: 'not today' })
})

test('type, version, special paths, health and stdio are told as hosts ask for them', async (t) => {
  const { channel, setup } = await startFakeHost(t, [plugin])
  await setup('one')
  assert.deepEqual(await channel.unary(BackendService.type, {}, metadata('one')), { type: 1 })
  assert.deepEqual(await channel.unary(PluginVersionService.version, {}), { pluginVersion: 'v1.2.3' })
  const { paths } = await channel.unary(BackendService.specialPaths, {}, metadata('one'))
  assert.deepEqual(paths?.unauthenticated, ['open', 'open/*'])
  assert.deepEqual(await channel.unary(HealthService.check, { service: 'plugin' }), { status: 1 })
  await ends(channel.unary(HealthService.check, { service: 'nothing' }), GRPC_STATUS.notFound)
  const stdio = channel.serverStream(GRPCStdioService.streamStdio, {}, { timeoutMs: 200 })
  await ends(stdio[Symbol.asyncIterator]().next() as Promise<unknown>, GRPC_STATUS.deadlineExceeded)
})

test('an operation that nobody knows is unsupported, with no other word', async (t) => {
  const host = await startFakeHost(t, [plugin])
  await host.setup('one')
  for (const operation of ['resolve-path', 'header', '', 'rotate'])
    assert.equal((await host.handle('one', { operation, path: 'roles/app' })).status, '5 unsupported operation')
})

test('a plugin that the process does not have is an error of the set-up', async (t) => {
  const host = await startFakeHost(t, [plugin, probe])
  assert.equal(await host.setup('one', { plugin_name: 'probe' }), '')
  assert.deepEqual((await host.handle('one', { path: 'max' })).data, { max: 10_368_000_000 })
  assert.match(await host.setup('two', { plugin_name: 'other' }), /no plugin of that name/)
})

test('a host that announces nothing is told so after five seconds', async (t) => {
  const host = await startFakeHost(t, [plugin])
  const args = { brokerId: 99, Config: new Map(), backendUUID: '' }
  const { err } = await host.channel.unary(BackendService.setup, args, metadata('one'))
  assert.equal(err, 'timeout waiting for connection info')
})

test('a caller that gives up aborts the signal of its handler', async (t) => {
  const host = await startFakeHost(t, [probe])
  await host.setup('one')
  const caller = new AbortController()
  const request = host.handle('one', { path: 'slow' }, { signal: caller.signal })
  setImmediate(() => caller.abort())
  await ends(request, GRPC_STATUS.cancelled)
})

test('a deadline aborts the signal of its handler', async (t) => {
  const host = await startFakeHost(t, [probe])
  await host.setup('one')
  await assert.rejects(host.handle('one', { path: 'slow' }, { timeoutMs: 200 }))
  await until(() => host.lines.some((line) => line.includes('given up')), 'the abort')
})

for (const isOpenBao of [true, false]) {
  test(`transactions and pages, on a host that ${isOpenBao ? 'has' : 'lacks'} them`, async (t) => {
    const host = await startFakeHost(t, [probe], { isOpenBao })
    await host.setup('one')
    assert.equal((await host.handle('one', { operation: 'update', path: 'both' })).status, 'ok')
    assert.deepEqual([...host.memory.entries.keys()], ['one', 'two'])
    assert.equal((await host.handle('one', { operation: 'delete', path: 'both' })).status, '0 internal error')
    assert.deepEqual([...host.memory.entries.keys()], ['one', 'two'])
    await host.handle('one', { operation: 'update', path: 'write/three' })
    assert.deepEqual((await host.handle('one', { path: 'page' })).data, { keys: ['one', 'three'] })
  })
}

test('words of the host reach the host again, which looks for some of them', async (t) => {
  const host = await startFakeHost(t, [probe])
  await host.setup('one')
  const { status } = await host.handle('one', { operation: 'update', path: 'write/readonly' })
  assert.equal(status, '0 cannot write to readonly storage')
})

test('an event on a host without events is dropped', async (t) => {
  const host = await startFakeHost(t, [probe])
  await host.setup('one')
  assert.equal((await host.handle('one', { path: 'event' })).status, 'ok')
})

test('a shutdown is answered, and then ends the process', async (t) => {
  const host = await startFakeHost(t, [plugin])
  await host.channel.unary(GRPCControllerService.shutdown, {})
  assert.equal(await host.running.ended, 'shutdown')
})

test('a host that is gone ends the process', async (t) => {
  const host = await startFakeHost(t, [plugin])
  await host.setup('one')
  await host.channel.close()
  assert.equal(await host.running.ended, 'gone')
})

test('in metadata mode a plugin says what it is, and does nothing', async (t) => {
  const host = await startFakeHost(t, [plugin], { env: { VAULT_PLUGIN_METADATA_MODE: 'true' } })
  assert.equal(await host.setup('one'), '')
  assert.deepEqual(await host.channel.unary(BackendService.type, {}, metadata('one')), { type: 1 })
  await ends(host.handle('one', { path: 'roles/app' }), GRPC_STATUS.failedPrecondition)
  await ends(host.channel.unary(BackendService.initialize, {}, metadata('one')), GRPC_STATUS.failedPrecondition)
})

test('a host of old protocols gets no answer at all', async (t) => {
  for (const versions of ['3,4', '', 'x', '6'])
    await assert.rejects(
      startFakeHost(t, [plugin], { env: { PLUGIN_PROTOCOL_VERSIONS: versions } }),
      /no protocol version/,
    )
})

test('a host that knows the multiplexed broker is told that this is none', async (t) => {
  const { running } = await startFakeHost(t, [plugin], { env: { PLUGIN_MULTIPLEX_GRPC: 'true' } })
  assert.match(running.line, /\|false$/)
})

test('log lines are what a Go host takes: texts, and six digits of a second', async (t) => {
  const { lines } = await startFakeHost(t, [plugin])
  const line = JSON.parse(lines[0] ?? '')
  assert.match(line['@timestamp'], /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$/)
  for (const key of ['@level', '@message', '@module']) assert.equal(typeof line[key], 'string')
})

test('reflection describes every service that is there, under both of its names', async (t) => {
  const host = await startFakeHost(t, [plugin])
  const seen = await reflect(host.channel, 5_000)
  assert.deepEqual(seen?.differences, [])
  assert.ok(seen?.services.includes('pb.Backend'))
  const call = host.channel.duplex(ServerReflectionService.serverReflectionInfo)
  const answers = call.messages[Symbol.asyncIterator]()
  for (const name of seen?.services ?? []) {
    const isAlpha = name.startsWith('grpc.reflection.v1alpha.')
    await call.send({ host: '', messageRequest: { $case: 'fileContainingSymbol', value: name } })
    const { value } = await answers.next()
    assert.equal(value?.messageResponse?.$case, isAlpha ? 'errorResponse' : 'fileDescriptorResponse', name)
  }
  call.cancel()
})

test('a plugin that throws while it is set up tells its host nothing of what it threw', async (t) => {
  const broken = definePlugin({
    name: 'broken',
    type: 'secret',
    paths: () => {
      throw new Error('the password is hunter2')
    },
  })
  const host = await startFakeHost(t, [broken])
  assert.equal(await host.setup('one'), 'internal error')
  assert.doesNotMatch(host.lines.join(''), /hunter2/)
})
