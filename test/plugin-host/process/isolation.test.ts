import assert from 'node:assert/strict'
import { existsSync, readdirSync, realpathSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Backend } from '../../../lib/model/backend.ts'
import type { PluginsOptions } from '../../../lib/plugin-host/process/config.ts'
import type { Isolation } from '../../../lib/plugin-host/process/plugins.ts'
import { findTools } from '../../../lib/plugin-host/process/tools.ts'
import { ROOT } from '../../support/imports.ts'
import { hostile } from './hostile-plugin.ts'
import { CALL, mountOf, processesNaming, type Rig, request, rig, servicesOf } from './plugins-for-test.ts'

const TOOLS = await findTools()
const IS_ROOT = process.getuid?.() === 0
/** What the plugin of these tests, a script of this checkout, has to see in a sandbox. */
const SEEN = [ROOT, join(ROOT, 'node_modules'), process.execPath].map((path) => realpathSync(path))
const USERS = { first: 760_000 + (process.pid % 1000) * 10, count: 8 }

/** Why a level cannot be tried here; in CI nothing is left out. */
function missing(level: Isolation): string | false {
  if (!['', '0', 'false'].includes(process.env.CI ?? '')) return false
  if (level === 'uid' && (!IS_ROOT || TOOLS.setpriv === undefined)) return 'needs root and setpriv'
  return level === 'sandbox' && TOOLS.bwrap === undefined ? 'needs bwrap' : false
}

async function ask<T>(backend: Backend, path: string, data: unknown = {}): Promise<T> {
  const { response } = await backend.handle(request('update', path, data), CALL)
  return JSON.parse(response?.data ?? 'null')
}

interface Heist {
  readonly rig: Rig
  readonly thief: Backend
  /** Everything that is worth stealing, tried at once. */
  readonly loot: Readonly<Record<string, string>>
  readonly environ: string
  readonly socket: string
  readonly hostFile: string
  readonly home: string
  readonly artefacts: string
}

async function heist(t: TestContext, isolation: Isolation, options: Partial<PluginsOptions> = {}): Promise<Heist> {
  const host = rig(t, { sandboxPaths: SEEN, ...(IS_ROOT ? { users: USERS } : {}), ...options })
  const victimEntry = hostile(t, 'good', 'victim', { isolation, env: ['VICTIM=treasure'] })
  const victim = await host.plugins.backend(victimEntry, mountOf('victim/'), servicesOf())
  const thiefEntry = hostile(t, 'good', 'thief', { isolation })
  const thief = await host.plugins.backend(thiefEntry, mountOf('thief/'), servicesOf())
  await ask(victim, 'put', { key: 'secret', value: 'treasure' })
  const { pid } = await ask<{ pid: number }>(victim, 'x')
  const { PLUGIN_UNIX_SOCKET_DIR: sockets = '' } = await ask<Record<string, string>>(victim, 'environment')
  const base = dirname(sockets)
  const socket = join(base, readdirSync(base).find((name) => name.startsWith('b')) ?? '')
  const hostFile = join(host.folder, 'root-key')
  writeFileSync(hostFile, 'treasure', { mode: 0o600 })
  writeFileSync(join(base, 'h', 'note'), 'treasure')
  const artefacts = join(host.folder, 'artefacts')
  // In a sandbox the victim knows itself by another number.
  const outer = processesNaming(sockets).find((found) => found !== process.pid) ?? pid
  const loot = await ask<Record<string, string>>(thief, 'steal', {
    sockets: [socket, join(sockets, 'plugin1')],
    files: [hostFile, join(base, 'h', 'note')],
    folders: [artefacts, dirname(base)],
    pids: [outer, process.pid],
    writes: [join(base, 'h', 'note'), join(host.folder, 'planted')],
  })
  return { rig: host, thief, loot, environ: loot[`${outer} environ`] ?? '', socket, hostFile, home: base, artefacts }
}

for (const level of ['crash', 'uid', 'sandbox'] as const) {
  test(`level ${level}: storage of another mount cannot be read by RPC`, { skip: missing(level) }, async (t) => {
    const { loot, socket } = await heist(t, level)
    assert.ok(existsSync(socket))
    assert.match(loot[socket] ?? '', /^refused/)
  })
}

test('level crash does not stop a plugin of the same user from reading files and environments: it says so', async (t) => {
  const { environ, hostFile, loot } = await heist(t, 'crash')
  assert.match(environ, /VICTIM=treasure/)
  assert.equal(loot[hostFile], 'GOT treasure')
})

for (const level of ['uid', 'sandbox'] as const) {
  test(`level ${level}: nothing of host or other plugins is to be had by files or /proc`, {
    skip: missing(level),
  }, async (t) => {
    const { loot } = await heist(t, level)
    // Command lines are public; of the folder of all processes a sandbox shows the plugin's own.
    const had = Object.entries(loot).filter(([name, got]) => /^GOT (?!\d$)/.test(got) && !name.endsWith('cmdline'))
    assert.deepEqual(had, [])
    assert.ok(!JSON.stringify(loot).includes('treasure'))
  })

  test(`level ${level}: a plugin cannot change what is run next time`, { skip: missing(level) }, async (t) => {
    const { rig: host, thief } = await heist(t, level)
    const { path } = await ask<{ path: string }>(thief, 'hash')
    const loot = await ask<Record<string, string>>(thief, 'steal', { writes: [path] })
    assert.match(loot[`write ${path}`] ?? '', /^refused/)
    await host.plugins.close()
    assert.deepEqual(processesNaming(host.folder), [])
  })

  test(`level ${level}: what it forks, wherever it hides, ends with it`, { skip: missing(level) }, async (t) => {
    const { thief, rig: host } = await heist(t, level)
    const seconds = 10_000 + (process.pid % 10_000)
    await ask(thief, 'fork-scrubbed', { seconds })
    assert.equal(processesNaming(`sleep\0${seconds}`).length, 1)
    await assert.rejects(thief.handle(request('read', 'crash'), CALL))
    await host.plugins.close()
    assert.deepEqual(processesNaming(`sleep\0${seconds}`), [])
  })
}

test('level sandbox: no process but its own is seen, and no user', { skip: missing('sandbox') }, async (t) => {
  const { thief } = await heist(t, 'sandbox')
  const seen = await ask<Record<string, string>>(thief, 'steal', { folders: ['/proc', '/home', '/root', '/tmp'] })
  const pids = (seen['/proc'] ?? '')
    .replace('GOT ', '')
    .split(',')
    .filter((name) => /^\d+$/.test(name))
  assert.ok(pids.length <= 3, pids.join())
  for (const folder of ['/home', '/root']) assert.match(seen[folder] ?? '', /^refused|^GOT $/)
})

test('level uid without a range of users is refused, and starts nothing', async (t) => {
  const { plugins, folder } = rig(t)
  const opened = plugins.backend(hostile(t, 'good', '', { isolation: 'uid' }), mountOf('m/'), servicesOf())
  await assert.rejects(opened, { code: 'ERR_PORTCULLIS_PLUGIN_ISOLATION' })
  assert.deepEqual(processesNaming(folder), [])
})

test('a sandbox can be without network', { skip: missing('sandbox') }, async (t) => {
  const { plugins } = rig(t, { sandboxPaths: SEEN, sandboxNetwork: false })
  const backend = await plugins.backend(hostile(t, 'good', '', { isolation: 'sandbox' }), mountOf('m/'), servicesOf())
  const seen = await ask<Record<string, string>>(backend, 'steal', {
    folders: ['/sys/class/net'],
    files: ['/proc/net/dev'],
  })
  const devices = (seen['/proc/net/dev'] ?? '').split('\n').filter((line) => line.includes(':'))
  assert.deepEqual(
    devices.map((line) => line.split(':')[0]?.trim()),
    ['lo'],
  )
})
