import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { BackendReply, BackendRequest } from '../../../lib/model/backend.ts'
import { MountStorage } from '../../../lib/plugin-host/process/mount-storage.ts'
import { serveStorage } from '../../../lib/plugin-host/process/storage-service.ts'
import { serveView } from '../../../lib/plugin-host/process/view-service.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { BackendService, GRPCBrokerService } from '../../../lib/plugin-host/wire/gen/services.ts'
import { createGrpcServer } from '../../../lib/plugin-host/wire/grpc/server.ts'
import { GrpcStatusError } from '../../../lib/plugin-host/wire/grpc/status.ts'
import { replyFromWire } from '../../../lib/plugin-host/wire/reply.ts'
import { requestToWire } from '../../../lib/plugin-host/wire/request.ts'
import { setupToWire } from '../../../lib/plugin-host/wire/setup.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { systemClock } from '../../../lib/system/clock.ts'
import { systemRandom } from '../../../lib/system/random.ts'
import { type PluginProcess, startPlugin } from '../../support/go-plugin-process.ts'
import { goPlugin, KV_PLUGIN } from '../../support/go-plugins.ts'
import { request, VIEW } from '../process/plugins-for-test.ts'

const BUILTIN = fileURLToPath(new URL('../../../lib/plugin/builtin/main.ts', import.meta.url))

/** Plugins that serve many mounts with one process. */
const PROGRAMS: Readonly<Record<string, (t: TestContext) => Promise<string>>> = {
  'the Go kv': (t) => goPlugin(t, KV_PLUGIN),
  'the built-in kv': async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'builtin-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const path = join(folder, 'kv')
    const head = `#!/usr/bin/env -S ${process.execPath} --disable-warning=ExperimentalWarning -C portcullis-source`
    writeFileSync(path, `${head}\nawait import(${JSON.stringify(BUILTIN)})\n`, { mode: 0o755 })
    return path
  },
}

interface Instance {
  readonly id: string
  readonly store: Store
}

/** Mounts kv v1 in `plugin` once more, with a storage of its own. */
async function mounted(t: TestContext, plugin: PluginProcess, broker: Broker, id: string): Promise<Instance> {
  const store = memory()
  const server = createGrpcServer({ tls: plugin.identity })
  t.after(() => server.close(0))
  const limits = { maxKeyBytes: 1024, maxValueBytes: 1024 * 1024 }
  serveStorage(server, new MountStorage({ store, limits, clock: systemClock, random: systemRandom }))
  serveView(server, VIEW, '1.21.4')
  const address = join(dirname(plugin.path), `broker-${id}`)
  await server.listen({ path: address })
  const brokerId = await broker.announce(address)
  const mount = { type: 'secret', pluginName: 'kv', pluginVersion: '', backendUuid: id, options: {} } as const
  const options = { metadata: { multiplex_id: id }, timeoutMs: 20_000 }
  assert.equal((await plugin.channel.unary(BackendService.setup, setupToWire(mount, brokerId), options)).err, '')
  await plugin.channel.unary(BackendService.initialize, {}, options)
  return { id, store }
}

interface Broker {
  announce(address: string): Promise<number>
}

function brokerOf(t: TestContext, { channel }: PluginProcess): Broker {
  const stream = channel.duplex(GRPCBrokerService.startStream)
  t.after(() => stream.cancel())
  let last = 0
  return {
    async announce(address) {
      last += 1
      await stream.send({ serviceId: last, network: 'unix', address, knock: undefined })
      return last
    },
  }
}

/** What a call with the metadata ends in: its answer, or the status that it was refused with. */
async function asked(
  { channel }: PluginProcess,
  metadata: Readonly<Record<string, string>>,
  operation: BackendRequest['operation'],
  path: string,
  data: object = {},
): Promise<BackendReply | number> {
  const args = { storageId: 0, request: requestToWire(request(operation, path, data)) }
  try {
    return replyFromWire(await channel.unary(BackendService.handleRequest, args, { metadata, timeoutMs: 20_000 }))
  } catch (error) {
    assert.ok(error instanceof GrpcStatusError, String(error))
    return error.code
  }
}

/** Does any value below `folder` hold `text`? */
async function held(store: Store, text: string, folder = ''): Promise<boolean> {
  for (const name of await store.list(folder)) {
    const path = folder + name
    if (name.endsWith('/') ? await held(store, text, path) : Buffer.from((await store.get(path)) ?? []).includes(text))
      return true
  }
  return false
}

for (const [name, program] of Object.entries(PROGRAMS)) {
  test(`${name}: an instance answers to its own id alone, and reaches no storage but its own`, async (t) => {
    const plugin = await startPlugin(t, await program(t))
    const broker = brokerOf(t, plugin)
    const a = await mounted(t, plugin, broker, 'aaaaaaaaaa')
    const b = await mounted(t, plugin, broker, 'bbbbbbbbbb')
    const written = await asked(plugin, { multiplex_id: a.id }, 'update', 'secret/x', { value: 'of a' })
    assert.ok(typeof written === 'object' && written.error === undefined, JSON.stringify(written))
    assert.deepEqual(await b.store.list(''), [])
    const own = await asked(plugin, { multiplex_id: a.id }, 'read', 'secret/x')
    assert.match(JSON.stringify(own), /of a/)

    // By the id of the other mount, by none, by ones that nobody has.
    const others = [b.id, '', 'zzzzzzzzzz', `${a.id},${b.id}`, `${a.id} `, a.id.toUpperCase(), '../aaaaaaaaaa']
    const ends: unknown[] = []
    for (const id of others) ends.push(await asked(plugin, { multiplex_id: id }, 'read', 'secret/x'))
    ends.push(await asked(plugin, {}, 'read', 'secret/x'))
    for (const end of ends) assert.ok(!JSON.stringify(end).includes('of a'), JSON.stringify(end))
    for (const end of ends.slice(1)) assert.equal(typeof end, 'number', JSON.stringify(end))
    // A second set-up by an id that is taken changes nothing of who has it.
    const mount = { type: 'secret', pluginName: 'kv', pluginVersion: '', backendUuid: 'x', options: {} } as const
    await plugin.channel
      .unary(BackendService.setup, setupToWire(mount, 2), { metadata: { multiplex_id: a.id }, timeoutMs: 20_000 })
      .catch(() => undefined)
    await asked(plugin, { multiplex_id: b.id }, 'update', 'secret/y', { value: 'of b' })
    assert.deepEqual([await held(a.store, 'of a'), await held(a.store, 'of b')], [true, false])
    assert.deepEqual([await held(b.store, 'of a'), await held(b.store, 'of b')], [false, true])

    await plugin.channel.unary(BackendService.cleanup, {}, { metadata: { multiplex_id: a.id }, timeoutMs: 20_000 })
    const later = await asked(plugin, { multiplex_id: b.id }, 'read', 'secret/y')
    assert.match(JSON.stringify(later), /of b/)
    assert.equal(await held(a.store, 'of a'), true)
  })
}
