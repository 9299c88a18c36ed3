import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PluginError } from '../../../lib/errors/index.ts'
import { createPluginHost } from '../../../lib/plugin-host/host.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { processesNaming } from '../process/plugins-for-test.ts'
import { assailant } from './assailant.ts'

test('a host that closes ends a plugin that hangs before its handshake at once, and who waits for it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'closing-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const flag = join(folder, 'hang')
  const { name, command, sha256 } = assailant(t)
  const host = await createPluginHost({
    storage: memory(),
    processes: { folder: join(folder, 'run'), startTimeoutMs: 60_000 },
    plugins: [{ name, type: 'secret', command, sha256, env: [`HANGS_BY=${flag}`] }],
    mounts: { bad: { type: name } },
  })
  const before = processesNaming(flag)
  writeFileSync(flag, '')
  const reloaded = host.operator.reload('bad').catch((error: unknown) => error)
  // It is being started when the host is told to close.
  const isAnother = (): boolean => processesNaming(flag).some((pid) => !before.includes(pid))
  for (let waitedMs = 0; !isAnother() && waitedMs < 20_000; waitedMs += 20) await sleep(20)
  await sleep(500)
  const sinceMs = performance.now()
  await host.close()
  const tookMs = Math.round(performance.now() - sinceMs)
  t.diagnostic(`${tookMs} ms to close`)
  assert.ok(tookMs < 9_000, `${tookMs} ms`)
  assert.ok((await reloaded) instanceof PluginError)
  assert.deepEqual(processesNaming(folder), [])
})
