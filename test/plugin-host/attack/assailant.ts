import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { fileURLToPath } from 'node:url'
import type { Backend } from '../../../lib/model/backend.ts'
import type { JsonObject } from '../../../lib/model/json.ts'
import type { CatalogEntry } from '../../../lib/plugin-host/process/plugins.ts'
import { lmdb } from '../../../lib/plugin-host/storage/lmdb.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { entryOf, request } from '../process/plugins-for-test.ts'

const SOURCE = fileURLToPath(new URL('assailant/assailant.mjs', import.meta.url))

/** An entry that runs the plugin that attacks its host. `name` tells one from another. */
export function assailant(t: TestContext, name = 'assailant'): CatalogEntry {
  const folder = mkdtempSync(join(tmpdir(), 'assailant-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const path = join(folder, name)
  const head = `#!/usr/bin/env -S ${process.execPath} --disable-warning=ExperimentalWarning -C portcullis-source`
  writeFileSync(path, `${head}\nimport(${JSON.stringify(SOURCE)})\n`, { mode: 0o755 })
  return entryOf(path, { name })
}

/** Has it attack, and tells what it says became of it. */
export async function act(backend: Backend, how: string, data: object = {}): Promise<JsonObject> {
  const { response, error } = await backend.handle(request('update', how, data), { timeoutMs: 150_000 })
  if (response === undefined) throw new Error(`no answer to ${how}: ${error?.message}`)
  return JSON.parse(response.data) as JsonObject
}

/** Real storage of its own. */
export async function storeOnDisk(t: TestContext): Promise<Store> {
  const folder = mkdtempSync(join(tmpdir(), 'attacked-'))
  const store = await lmdb(join(folder, 'storage')).open()
  t.after(async () => {
    await store.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return store
}

/** How an attack went. */
export interface Course {
  readonly result: JsonObject
  /** What this process held more than before, at its height. */
  readonly risenMiB: number
  /** Reads of another plugin meanwhile, and the longest that it waited for one. */
  readonly others: JsonObject
}

/** Has `bad` attack, while `good`, another of its kind, reads and reads. */
export async function attack(bad: Backend, good: Backend, how: string, data: object): Promise<Course> {
  const before = process.memoryUsage.rss()
  let highest = before
  const timer = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss())
  }, 10)
  const reading = act(good, 'read on', { key: 'k' })
  try {
    const result = await act(bad, how, data)
    await act(good, 'stop')
    return { result, risenMiB: Math.round((highest - before) / 2 ** 20), others: await reading }
  } finally {
    clearInterval(timer)
  }
}
