import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '../plugin-host/wire/grpc/peers.ts'
import { ROOT } from '../support/imports.ts'
import { BACKEND_COOKIE, DATABASE_COOKIE } from './fake-host.ts'

interface Started {
  readonly child: ChildProcess
  readonly exited: Promise<number | string | null>
  stdout(): string
  stderr(): string
}

/** Starts a plugin as a host would, for the time of `t`. */
function start(t: TestContext, env: Readonly<Record<string, string>>): Started {
  const folder = mkdtempSync(join(tmpdir(), 'process-'))
  const args = ['--conditions=portcullis-source', join(ROOT, 'test/plugin/served/accounts.ts')]
  const child = spawn(process.execPath, args, { env: { PLUGIN_UNIX_SOCKET_DIR: folder, ...env } })
  const text = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (chunk) => {
    text.stdout += chunk
  })
  child.stderr.setEncoding('utf8').on('data', (chunk) => {
    text.stderr += chunk
  })
  const exited = new Promise<number | string | null>((resolve) =>
    child.once('close', (code, signal) => resolve(signal ?? code)),
  )
  t.after(async () => {
    child.kill('SIGKILL')
    await exited
    rmSync(folder, { recursive: true, force: true })
  })
  return { child, exited, stdout: () => text.stdout, stderr: () => text.stderr }
}

const BACKEND = { VAULT_BACKEND_PLUGIN: BACKEND_COOKIE, PLUGIN_PROTOCOL_VERSIONS: '5' }

test('run by hand, or as another kind of plugin, it explains itself and prints no handshake', async (t) => {
  for (const env of [{}, { VAULT_BACKEND_PLUGIN: 'x' }, { VAULT_DATABASE_PLUGIN: DATABASE_COOKIE }]) {
    const plugin = start(t, env)
    assert.equal(await plugin.exited, 1)
    assert.equal(plugin.stdout(), '')
    assert.match(plugin.stderr(), /accounts is a plugin: a Vault, OpenBao or portcullis server starts it/)
  }
})

test('a host of old protocols finds a process that ends, and no handshake', async (t) => {
  const plugin = start(t, { ...BACKEND, PLUGIN_PROTOCOL_VERSIONS: '3,4' })
  assert.equal(await plugin.exited, 1)
  assert.equal(plugin.stdout(), '')
  assert.match(plugin.stderr(), /no protocol version that this plugin speaks/)
})

test('a socket folder that is too deep for a socket is said', async (t) => {
  const plugin = start(t, { ...BACKEND, PLUGIN_UNIX_SOCKET_DIR: `/tmp/${'x'.repeat(100)}` })
  assert.equal(await plugin.exited, 1)
  assert.match(plugin.stderr(), /longer than 107 bytes/)
})

test('it prints one line, outlives SIGINT, and ends on SIGTERM without a socket left', async (t) => {
  const plugin = start(t, BACKEND)
  await until(() => plugin.stdout().endsWith('\n'), 'the handshake')
  const [line = '', rest] = plugin.stdout().split('\n')
  assert.match(line, /^1\|5\|unix\|\/[^|]+\/plugin\d+\|grpc\|$/)
  assert.equal(rest, '')
  const socket = line.split('|')[3] ?? ''
  plugin.child.kill('SIGINT')
  plugin.child.kill('SIGINT')
  assert.ok(existsSync(socket))
  assert.equal(plugin.child.exitCode, null)
  plugin.child.kill('SIGTERM')
  assert.equal(await plugin.exited, 0)
  assert.ok(!existsSync(socket))
})
