import { Buffer } from 'node:buffer'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lmdb } from '../../lib/plugin-host/storage/lmdb.ts'
import { memory } from '../../lib/plugin-host/storage/memory.ts'
import { rootKeyFile } from '../../lib/plugin-host/storage/root-key-file.ts'
import { createStorage } from '../../lib/plugin-host/storage/storage.ts'
import type { Store } from '../../lib/ports/store.ts'

// What a call of the storage costs: `node -C portcullis-source test/bench/storage.ts`.

const KEYS = 1000
const value = Buffer.alloc(734, 7)

async function report(name: string, store: Store): Promise<void> {
  const key = (index: number): string => `logical/4f5e/versions/${index % KEYS}`
  const each = async (count: number, run: (index: number) => Promise<unknown>): Promise<string> => {
    const begin = performance.now()
    for (let index = 0; index < count; index++) await run(index)
    return `${(((performance.now() - begin) / count) * 1000).toFixed(1)} µs`
  }
  const write = (index: number): Promise<void> => store.write([{ key: key(index), value }])
  await Promise.all(Array.from({ length: KEYS }, (_, index) => write(index)))
  const alone = await each(300, write)
  const together = await each(200, (round) =>
    Promise.all(Array.from({ length: 100 }, (_, at) => write(round * 100 + at))),
  )
  await each(20_000, (index) => store.get(key(index)))
  const got = await each(50_000, (index) => store.get(key(index)))
  const listed = await each(200, () => store.list('logical/4f5e/versions/'))
  console.log(`${name}: get ${got}, write alone ${alone}, 100 writes together ${together}, list of ${KEYS} ${listed}`)
  await store.close()
}

const folder = mkdtempSync(join(tmpdir(), 'portcullis-bench-'))
try {
  const before = process.memoryUsage().rss
  await report('memory', await memory().open())
  await report('lmdb', await lmdb(join(folder, 'plain')).open())
  const rootKey = rootKeyFile(join(folder, 'root.key'), { create: true })
  await report('barrier on memory', await createStorage({ driver: memory(), rootKey }))
  rmSync(join(folder, 'root.key'))
  await report('barrier on lmdb', await createStorage({ driver: lmdb(join(folder, 'sealed')), rootKey }))
  console.log(`resident memory grew by ${Math.round((process.memoryUsage().rss - before) / 1e6)} MB`)
} finally {
  rmSync(folder, { recursive: true, force: true })
}
