import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { processOf } from '../../../lib/plugin-host/process/process-table.ts'
import { reap } from '../../../lib/plugin-host/process/records.ts'
import { findTools } from '../../../lib/plugin-host/process/tools.ts'
import { goPlugin, KV_PLUGIN } from '../../support/go-plugins.ts'
import { hostile } from './hostile-plugin.ts'
import { entryOf, processesNaming, rig } from './plugins-for-test.ts'

const HOST = fileURLToPath(new URL('hostile/host.ts', import.meta.url))
const TOOLS = await findTools()
const DEATH_SIGNAL = { skip: TOOLS.setpriv === undefined && 'needs setpriv' }

/** A host in another process; its first line once it runs. */
async function hostProcess(...args: readonly string[]): Promise<{ child: ChildProcess; line: string }> {
  const child = spawn(process.execPath, ['-C', 'portcullis-source', HOST, ...args], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  hosts.push(child)
  const lines = createInterface({ input: child.stdout ?? process.stdin })
  const line = await new Promise<string>((resolve, reject) => {
    lines.once('line', resolve)
    child.once('exit', (code) => reject(new Error(`the host ended with ${code}`)))
  })
  return { child, line }
}

async function killed(child: ChildProcess): Promise<void> {
  const ended = new Promise((resolve) => child.once('exit', resolve))
  child.kill('SIGKILL')
  await ended
}

async function gone(isThere: () => boolean): Promise<boolean> {
  for (let at = 0; at < 100 && isThere(); at++) await sleep(20)
  return !isThere()
}

const isRunning = (pid: number): boolean => {
  const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'latin1') : ') Z'
  return !/\) [ZX]/.test(stat)
}

/** Hosts of the test that runs. */
const hosts: ChildProcess[] = []

/** A host's folder; at the end of the test all hosts are killed, and what they left is ended as a next start does. */
function folderOf(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'plugins-'))
  t.after(async () => {
    for (const child of hosts.splice(0)) if (child.exitCode === null && child.signalCode === null) await killed(child)
    reap(join(folder, 'processes'))
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}

test('a Go plugin does not outlive its host, however that dies', DEATH_SIGNAL, async (t) => {
  const folder = folderOf(t)
  const entry = entryOf(await goPlugin(t, KV_PLUGIN), { name: 'kv' })
  const { child } = await hostProcess(folder, JSON.stringify(entry))
  const plugins = (): readonly number[] => processesNaming(join(folder, 'artefacts'))
  assert.equal(plugins().length, 1)
  await killed(child)
  assert.ok(await gone(() => plugins().length > 0))
})

test(
  'what a plugin forked away is ended by the next start of the host, and its sockets are removed',
  DEATH_SIGNAL,
  async (t) => {
    const folder = folderOf(t)
    const { child, line } = await hostProcess(folder, JSON.stringify(hostile(t)))
    const { pid } = JSON.parse(line)
    const [record = ''] = readdirSync(join(folder, 'processes'))
    const { runFolder } = JSON.parse(readFileSync(join(folder, 'processes', record), 'utf8'))
    await killed(child)
    assert.ok(isRunning(pid), 'it has a session of its own, so no signal of the kernel reaches it')
    const { warnings } = rig(t, { folder })
    assert.ok(await gone(() => isRunning(pid)))
    assert.ok(!existsSync(runFolder))
    assert.match(warnings.join(), /earlier host/)
  },
)

test('a host beside a living one leaves its processes alone', async (t) => {
  const folder = folderOf(t)
  const { line } = await hostProcess(folder, JSON.stringify(hostile(t)))
  const { warnings } = rig(t, { folder })
  assert.ok(isRunning(JSON.parse(line).pid))
  assert.deepEqual(warnings, [])
})

test('a stranger who got the number of a plugin is not killed', async (t) => {
  const folder = folderOf(t)
  const stranger = spawn('sleep', ['100'], { stdio: 'ignore' })
  t.after(() => void stranger.kill('SIGKILL'))
  const pid = stranger.pid ?? 0
  const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()
  const record = {
    host: { pid: 999_999, startTicks: '1' },
    plugin: { pid, startTicks: String(Number(processOf(pid)?.startTicks) - 1) },
    bootId: boot,
    runFolder: '/etc',
    socketFolder: '/etc/0/s',
  }
  writeFileSync(join(folder, 'a.json'), JSON.stringify(record))
  writeFileSync(join(folder, 'b.json'), JSON.stringify({ ...record, plugin: processOf(pid), bootId: 'another' }))
  for (const [name, text] of Object.entries({ c: 'null', d: '{', e: '{"plugin":{"pid":1}}', f: '' })) {
    writeFileSync(join(folder, `${name}.json`), text)
  }
  assert.equal(reap(folder), 0)
  assert.ok(isRunning(pid))
  assert.ok(existsSync('/etc/passwd'))
  assert.deepEqual(readdirSync(folder), [])
})

test('without a death signal of the kernel, a guard ends the group with the host', async (t) => {
  folderOf(t)
  const seconds = String(20_000 + (process.pid % 10_000))
  const { child, line } = await hostProcess(seconds, 'guard')
  const { pid } = JSON.parse(line)
  assert.ok(isRunning(pid))
  await killed(child)
  assert.ok(await gone(() => isRunning(pid)))
})
