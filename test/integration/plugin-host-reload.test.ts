import assert from 'node:assert/strict'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { PluginSpec } from 'portcullis/plugin-host'
import { ROOT } from '../support/imports.ts'
import { sha256Of } from '../support/sha256.ts'
import { gatewayOver, type RealHost, startHost } from './plugin-host-world.ts'

const ALL = { policy: 'all', rules: [{ path: '*', operations: ['*'], effect: 'allow' }] }

/** A plugin that tells the process that it is, and does not come up while its file `broken` is there. */
function processPlugin(t: TestContext, version: string, broken: string): PluginSpec {
  const folder = mkdtempSync(join(tmpdir(), 'pids-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const command = join(folder, 'pids')
  const sdk = JSON.stringify(join(ROOT, 'lib/plugin/index.ts'))
  writeFileSync(
    command,
    `#!/usr/bin/env -S ${process.execPath} --disable-warning=ExperimentalWarning -C portcullis-source
if (require('node:fs').existsSync(${JSON.stringify(broken)})) process.exit(1)
import(${sdk}).then(({ data, definePlugin, path, serve }) => serve(definePlugin({
  name: 'pids', version: '${version}', type: 'secret',
  paths: [path('pid', { read: () => data({ pid: process.pid, version: '${version}' }) })],
})))
`,
    { mode: 0o755 },
  )
  return { name: 'pids', type: 'secret', version, command, sha256: sha256Of(command) }
}

interface World {
  readonly it: RealHost
  readonly broken: string
  pids(): Promise<readonly number[]>
  version(mount: string): Promise<unknown>
}

async function world(t: TestContext): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'broken-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const broken = join(folder, 'broken')
  const mount = { type: 'pids', version: 'v1.0.0' }
  const it = await startHost(t, {
    plugins: [processPlugin(t, 'v1.0.0', ''), processPlugin(t, 'v2.0.0', broken)],
    mounts: { a: mount, b: mount, c: mount },
  })
  const { gateway } = await gatewayOver(t, it.host, { policies: [ALL] })
  const read = async (path: string): Promise<Readonly<Record<string, unknown>>> =>
    (await gateway.read(`${path}/pid`)).data
  return {
    ...{ it, broken },
    pids: async () => [await read('a'), await read('b'), await read('c')].map(({ pid }) => Number(pid)),
    version: async (path) => (await read(path)).version,
  }
}

function isThere(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}

test('reloaded at one mount, a plugin that multiplexes gets a new process there; its other mounts go on undisturbed', async (t) => {
  const { it, pids } = await world(t)
  const [first = 0] = await pids()
  assert.deepEqual(await pids(), [first, first, first])
  await it.host.operator.reload('a')
  const [second = 0, ...others] = await pids()
  assert.notEqual(second, first)
  assert.deepEqual(others, [first, first])
  // The second that is reloaded joins neither: both may be sick.
  await it.host.operator.reload('b')
  const [stayed, third = 0, last] = await pids()
  assert.deepEqual([stayed, last], [second, first])
  assert.ok(third !== first && third !== second)
  await it.host.operator.reload('c')
  assert.equal(isThere(first), false)
})

test('reloaded by name, it gets one new process for all mounts, and the old one ends', async (t) => {
  const { it, pids } = await world(t)
  const [first = 0] = await pids()
  const { gateway } = await gatewayOver(t, it.host, {
    auth: it.host.operatorAuth(),
    dangerouslyAllowEverything: true,
  })
  await gateway.write('sys/plugins/reload/backend', { plugin: 'pids' })
  const [second = 0, ...others] = await pids()
  assert.notEqual(second, first)
  assert.deepEqual(others, [second, second])
  assert.equal(isThere(first), false)
})

test('a version that does not come up is given up again: the mount runs what it ran', async (t) => {
  const { it, broken, version } = await world(t)
  assert.equal(await it.host.operator.upgrade('a', 'v2.0.0'), 'v1.0.0')
  assert.equal(await version('a'), 'v2.0.0')
  assert.equal(await it.host.operator.upgrade('a', 'v1.0.0'), 'v2.0.0')
  writeFileSync(broken, '')
  await assert.rejects(it.host.operator.upgrade('b', '2.0.0'), { code: 'ERR_PORTCULLIS_PLUGIN_START' })
  assert.equal(await version('b'), 'v1.0.0')
  const mount = it.host.operator.mounts().secret['b/'] as Readonly<Record<string, unknown>>
  assert.deepEqual([mount.plugin_version, mount.running_plugin_version], ['v1.0.0', 'v1.0.0'])
  await it.host.operator.pin('secret', 'pids', 'v1.0.0')
  await assert.rejects(it.host.operator.upgrade('c', 'v2.0.0'), /is pinned to version v1\.0\.0/)
  await assert.rejects(it.host.operator.mount('d', { type: 'pids', version: 'v2.0.0' }), /is pinned/)
})
