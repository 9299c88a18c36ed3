import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { PluginError } from '../../../lib/errors/index.ts'
import { createPluginHost, type PluginHost } from '../../../lib/plugin-host/host.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { sha256Of } from '../../support/sha256.ts'
import { type Script, said } from '../router/scripted-plugins.ts'
import { SHA, world } from '../router/world.ts'

const kv: Script = { handle: () => said({ value: 1 }) }

test('names and versions that are none are refused at the catalog, and leave nothing in the storage', async (t) => {
  const it = await world(t, { kv })
  const keys = async (): Promise<readonly string[]> => it.store.list('core/catalog/')
  const before = await keys()
  const body = { command: '/m', sha256: SHA }
  for (const name of [
    'a b',
    'a\nb',
    'a\0b',
    '\u00e4',
    'a'.repeat(129),
    'a;b',
    '$(id)',
    '`id`',
    "a'b",
    '{{a}}',
    'a%2fb',
    '-\r\n',
  ])
    assert.match(
      await it.refusal('write', `sys/plugins/catalog/secret/${name}`, { token: it.operator, data: body }),
      /^400/,
      name,
    )
  for (const version of [
    'latest',
    'v1.x',
    '1.2.3\n',
    'v1.2.3 ',
    '../1.2.3',
    '99999999999.1.1',
    `1.2.3-${'a'.repeat(200)}`,
    '__proto__',
  ])
    assert.match(
      await it.refusal('write', 'sys/plugins/catalog/secret/kv', { token: it.operator, data: { ...body, version } }),
      /^400/,
      version,
    )
  for (const type of ['Secret', 'constructor', '__proto__', '..'])
    assert.match(
      await it.refusal('write', `sys/plugins/catalog/${type}/kv`, { token: it.operator, data: body }),
      /^400/,
      type,
    )
  for (const sha256 of ['', 'ab', 'zz'.repeat(32), `${SHA}\n`, `${SHA}00`, ` ${SHA}`])
    assert.match(
      await it.refusal('write', 'sys/plugins/catalog/secret/kv', { token: it.operator, data: { ...body, sha256 } }),
      /^400/,
      JSON.stringify(sha256),
    )
  assert.deepEqual(await keys(), before)
})

test('names that every object has, and `.` and `..`, are names like any other', async (t) => {
  const names = ['constructor', '__proto__', 'toString', '..', '.', '-', 'hasOwnProperty']
  const scripts = Object.fromEntries(names.map((name) => [name, kv]).filter(([name]) => name !== '__proto__'))
  const it = await world(t, scripts)
  for (const [at, name] of names.filter((name) => name !== '__proto__').entries()) {
    await it.host.operator.mount(`m${at}`, { type: name })
    assert.equal((await it.ask('read', `m${at}/x`)).status, 200, name)
  }
  const { data } = await it.ask('read', 'sys/mounts', { token: it.operator })
  assert.equal(Object.keys(data ?? {}).length, names.length - 1)
  await it.restart()
  assert.equal((await it.ask('read', 'm0/x')).status, 200)
})

test('mount paths that lead elsewhere, are the host’s own, or stand in each other are refused', async (t) => {
  const it = await world(t, { kv }, { mounts: { there: { type: 'kv' } } })
  const paths = [
    ...['', '/', '.', '..', '../sys', 'a/../b', 'a/./b', 'a//b', 'a\nb', 'a\0b', 'a\x7f', 'sys', 'sys/x', 'cubbyhole'],
    ...['identity', 'audit', 'internal/x', 'auth', 'auth/token', 'auth/x', 'there', 'there/in', 'core/../x'],
  ]
  const mounts = async (): Promise<readonly string[]> => (await it.store.list('core/mount/')).toSorted()
  const before = await mounts()
  for (const path of paths) {
    await assert.rejects(it.host.operator.mount(path, { type: 'kv' }), PluginError, JSON.stringify(path))
    await assert.rejects(it.host.operator.remount('there', path), PluginError, JSON.stringify(path))
  }
  assert.deepEqual(await mounts(), before)
  for (const path of [
    '__proto__',
    'constructor',
    '\u00e4/\u{1f600}',
    'a b',
    'a%2f..%2fsys',
    'SYS',
    'sys.',
    'a\u2028',
  ]) {
    await it.host.operator.mount(path, { type: 'kv' })
    assert.equal((await it.ask('read', `${path}/x`)).status, 200, path)
  }
  const { data } = await it.ask('read', 'sys/mounts', { token: it.operator })
  assert.ok(Object.hasOwn(data ?? {}, '__proto__/'))
})

/** A host that runs real processes, without any registered. */
async function hostOfProcesses(t: TestContext, storage: Store = memory()): Promise<PluginHost> {
  const folder = mkdtempSync(join(tmpdir(), 'named-'))
  const host = await createPluginHost({ storage, processes: { folder, startTimeoutMs: 5000 } })
  t.after(async () => {
    await host.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return host
}

test('a command, arguments and variables that no process can have are coded errors that show no value', async (t) => {
  const host = await hostOfProcesses(t)
  const folder = mkdtempSync(join(tmpdir(), 'command-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const command = join(folder, 'plugin')
  writeFileSync(command, '#!/bin/sh\nexit 0\n', { mode: 0o755 })
  const good = { name: 'p', type: 'secret', command, sha256: sha256Of(command) } as const
  const attempts = [
    { ...good, command: `${command}\0hunter2` },
    { ...good, command: '/dev/zero' },
    { ...good, command: '/proc/self/mem' },
    { ...good, command: folder },
    { ...good, command: `${command}/hunter2` },
    { ...good, command: `/${'hunter2/'.repeat(1000)}` },
    { ...good, args: ['a\0hunter2'] },
    { ...good, args: ['hunter2'.repeat(100_000)] },
    { ...good, args: Array.from({ length: 200_000 }, () => 'hunter2'.repeat(10)) },
    { ...good, env: ['LD_PRELOAD=/hunter2.so'] },
    { ...good, env: ['NODE_OPTIONS=--require=/hunter2'] },
    { ...good, env: ['PLUGIN_UNIX_SOCKET_DIR=/hunter2'] },
    { ...good, env: ['hunter2'] },
    { ...good, env: ['A B=hunter2'] },
    { ...good, env: ['A=\0hunter2'] },
    { ...good, env: [`A=${'hunter2'.repeat(100_000)}`] },
  ]
  for (const [at, attempt] of attempts.entries()) {
    const error = await host.operator.register(attempt).then(
      () => assert.fail(`attempt ${at} was registered`),
      (reason: unknown) => reason,
    )
    assert.ok(error instanceof PluginError, `${at}: ${error}`)
    const shown = inspect(error, { depth: Infinity, showHidden: true })
    // The path of a command is no secret; what an entry gives to the process is.
    if (attempt.command === command) assert.ok(!shown.includes('hunter2'), `${at}: ${shown.slice(0, 500)}`)
  }
})
