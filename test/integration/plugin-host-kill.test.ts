import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PluginError } from 'portcullis'
import { goPlugin, KV_PLUGIN } from '../support/go-plugins.ts'
import { ROOT } from '../support/imports.ts'
import { sha256Of } from '../support/sha256.ts'
import { gatewayOver, startHost, untilReady } from './plugin-host-world.ts'

const OPEN = { dangerouslyAllowEverything: true } as const

/** Lines of a file that a plugin writes; none before it is there. */
function linesOf(file: string): readonly string[] {
  try {
    return readFileSync(file, 'utf8').trimEnd().split('\n')
  } catch {
    return []
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 10) {
    assert.ok(waitedMs < 20_000, 'it did not come about in time')
    await sleep(10)
  }
}

function folderFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'kill-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

test('reads and lists under way when their plugin is killed are answered by the next process; a write fails, and is not sent again', async (t) => {
  const folder = folderFor(t)
  const command = join(folder, 'waiting')
  const source = JSON.stringify(join(ROOT, 'test/plugin/served/waiting.ts'))
  const head = `#!/usr/bin/env -S ${process.execPath} --conditions=portcullis-source`
  writeFileSync(command, `${head}\nimport(${source})\n`, { mode: 0o755 })
  const plugin = { name: 'waiting', type: 'secret', command, sha256: sha256Of(command) } as const
  const { host } = await startHost(t, {
    plugins: [{ ...plugin, env: [`WAITING_FOLDER=${folder}`] }],
    mounts: { m: { type: 'waiting' } },
  })
  const { gateway } = await gatewayOver(t, host, OPEN)
  const came = join(folder, 'came')

  const reads = Array.from({ length: 20 }, (_, nth) => gateway.read<{ pid: number }>('m/slow', { query: { nth } }))
  const list = gateway.list('m/slow')
  const write = assert.rejects(gateway.write('m/slow', {}), (error) => {
    assert.ok(error instanceof PluginError, String(error))
    assert.deepEqual([error.code, error.mayHaveHappened], ['ERR_PORTCULLIS_PLUGIN_CRASHED', true])
    return true
  })
  await until(() => linesOf(came).length === 22)
  const [first = 0] = linesOf(came).map((line) => Number(line.split(' ')[1]))
  process.kill(first, 'SIGKILL')
  await write
  writeFileSync(join(folder, 'go'), '')

  const pids = new Set((await Promise.all(reads)).map(({ data }) => data.pid))
  assert.equal(pids.size, 1)
  assert.ok(!pids.has(first))
  assert.deepEqual((await list).data.keys, [`${[...pids][0]}`])
  const kinds = linesOf(came).map((line) => line.split(' ')[0])
  assert.equal(kinds.filter((kind) => kind === 'update').length, 1)
  assert.equal(kinds.filter((kind) => kind === 'read').length, 40)
})

test('kill -9 of the Go kv under reads: not one fails, three times over', async (t) => {
  const command = await goPlugin(t, KV_PLUGIN)
  const { host } = await startHost(t, {
    plugins: [{ name: 'kv', type: 'secret', command, sha256: sha256Of(command) }],
    mounts: { kv: { type: 'kv', options: { version: '2' } } },
  })
  const { gateway } = await gatewayOver(t, host, OPEN)
  await untilReady(() => gateway.kv('kv').write('a', { n: 1 }))
  let isOver = false
  let reads = 0
  const reader = async (): Promise<void> => {
    while (!isOver) {
      const { data } = await gateway.read<{ data: object }>('kv/data/a')
      assert.deepEqual(data.data, { n: 1 })
      reads += 1
    }
  }
  const readers = Promise.all(Array.from({ length: 16 }, reader))
  for (let kills = 0; kills < 3; kills += 1) {
    const before = reads
    await Promise.race([until(() => reads > before + 100), readers])
    const pids = pluginsOf('/artefacts/')
    assert.equal(pids.length, 1)
    for (const pid of pids) process.kill(pid, 'SIGKILL')
  }
  const before = reads
  await Promise.race([until(() => reads > before + 100), readers])
  isOver = true
  await readers
  t.diagnostic(`${reads} reads, three kills`)
})

/** Children of this process that run `name`. */
function pluginsOf(name: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
        return parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(name)
      } catch {
        return false
      }
    })
}
