import assert from 'node:assert/strict'
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createPluginHost } from '../../../lib/plugin-host/host.ts'
import { lmdb } from '../../../lib/plugin-host/storage/lmdb.ts'
import { rootKeyFile } from '../../../lib/plugin-host/storage/root-key-file.ts'
import { createStorage, type Storage } from '../../../lib/plugin-host/storage/storage.ts'
import { tokenOf } from '../router/world.ts'

const MAIN = fileURLToPath(new URL('second-host-main.ts', import.meta.url))
const LOCKED = 'ERR_PORTCULLIS_STORAGE_LOCKED'

interface Writer {
  readonly child: ChildProcess
  readonly closed: Promise<unknown>
  lines(): readonly string[]
}

/** A host in a process of its own that writes below `kv/NAME-`. */
function writer(t: TestContext, folder: string, name: string): Writer {
  const notes = join(folder, `${name}.notes`)
  const args = ['-C', 'portcullis-source', MAIN, folder, notes, name]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'inherit'] })
  t.after(() => child.kill('SIGKILL'))
  return {
    child,
    closed: once(child, 'close'),
    lines: () => (existsSync(notes) ? readFileSync(notes, 'utf8').split('\n').slice(0, -1) : []),
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 20) {
    assert.ok(waitedMs < 60_000, 'it did not come about in time')
    await sleep(20)
  }
}

function opened(folder: string): Promise<Storage> {
  return createStorage({ driver: lmdb(join(folder, 'storage')), rootKey: rootKeyFile(join(folder, 'root.key')) })
}

test('of hosts that start on one folder at once one gets it; others are refused under load, and find all once it was killed', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'second-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const all = ['a', 'b', 'c', 'd'].map((name) => writer(t, folder, name))
  await until(() => all.filter(({ lines }) => lines().length > 0).length === all.length)
  const [winner, ...more] = all.filter(({ lines }) => lines()[0] === 'open')
  assert.ok(winner !== undefined && more.length === 0, `${more.length + 1} hosts on one folder`)
  for (const { lines } of all.filter((other) => other !== winner)) assert.deepEqual(lines(), [LOCKED])

  // Another process, another storage in this one, another path to the same folder: none gets in while it writes.
  const alias = join(folder, 'alias')
  symlinkSync(folder, alias)
  for (let at = 0; at < 20; at += 1) {
    await assert.rejects(opened(at % 2 === 0 ? folder : alias), { code: LOCKED })
    const before = winner.lines().length
    await until(() => winner.lines().length > before)
  }
  const late = writer(t, alias, 'late')
  await late.closed
  assert.deepEqual(late.lines(), [LOCKED])

  winner.child.kill('SIGKILL')
  await winner.closed
  const storage = await opened(alias)
  const host = await createPluginHost({ storage, processes: { folder: join(folder, 'processes') } })
  t.after(() => host.close())
  const token = await tokenOf(host.auth())
  const written = winner.lines().slice(1)
  t.diagnostic(`${written.length} writes acknowledged, 24 others refused meanwhile`)
  assert.ok(written.length > 50, `${written.length} writes`)
  for (const path of written) {
    const asked = { operation: 'read', namespace: '', query: {}, wrapTtlMs: 0, requestId: 'r', token, path } as const
    const { data } = await host.send({ ...asked, body: undefined, repeatable: true }, { timeoutMs: 30_000 })
    assert.deepEqual(data, { path })
  }
})
