import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { lmdb } from '../../../lib/plugin-host/storage/lmdb.ts'
import { rootKeyFile } from '../../../lib/plugin-host/storage/root-key-file.ts'
import { createStorage, type Storage } from '../../../lib/plugin-host/storage/storage.ts'
import type { StoreChange } from '../../../lib/ports/store.ts'
import { changesOf, keysOf, ROUND, writers } from './load.ts'

const KILLS = 100
/** Storages that are written to, and killed, at the same time. */
const LANES = 2
const WRITER = fileURLToPath(new URL('writer-main.ts', import.meta.url))

/** What is known of the last write of each writer that is there. */
type Known = Map<string, readonly StoreChange[]>

interface Count {
  kills: number
  acknowledged: number
  unacknowledged: number
  terms: number
}

test(`${KILLS} times kill -9 under load: all acknowledged writes are there, none is torn, batches are whole`, async (t) => {
  const count: Count = { kills: 0, acknowledged: 0, unacknowledged: 0, terms: 0 }
  await Promise.all(
    Array.from({ length: LANES }, async () => {
      const parent = mkdtempSync(join(tmpdir(), 'portcullis-kill-'))
      t.after(() => rmSync(parent, { recursive: true, force: true }))
      await lane(join(parent, 'storage'), join(parent, 'root.key'), KILLS / LANES, count)
    }),
  )
  assert.equal(count.kills, KILLS)
  assert.ok(count.acknowledged > KILLS * 10, `${count.acknowledged} acknowledged writes`)
  t.diagnostic(
    `${count.kills} kills, ${count.acknowledged} acknowledged writes, ${count.unacknowledged} there unacknowledged, ${count.terms} key terms`,
  )
})

async function lane(folder: string, keyFile: string, kills: number, count: Count): Promise<void> {
  const known: Known = new Map()
  for (let round = 1; round <= kills; round++) {
    const acknowledged = await runAndKill(folder, keyFile, round)
    count.kills += 1
    for (const sequences of acknowledged.values()) count.acknowledged += sequences.length
    const storage = await createStorage({ driver: lmdb(folder), rootKey: rootKeyFile(keyFile, { create: true }) })
    try {
      for (const writer of writers()) {
        count.unacknowledged += await check(storage, writer, round, acknowledged.get(writer) ?? [], known)
      }
      await checkLists(storage, known)
      if (round === kills) count.terms += storage.status().term
    } finally {
      await storage.close()
    }
  }
}

/** Numbers of the writes that were acknowledged before the kill, by writer. */
async function runAndKill(
  folder: string,
  keyFile: string,
  round: number,
): Promise<ReadonlyMap<string, readonly number[]>> {
  const notes = `${folder}.${round}`
  const args = ['-C', 'portcullis-source', WRITER, folder, keyFile, notes, String(round)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const closed = once(child, 'close')
  // Now and then in the middle of opening; else in the middle of writing.
  if (round % 8 !== 0) await Promise.race([once(child.stdout, 'readable'), closed])
  await delay(20 + Math.random() * 130)
  assert.equal(child.exitCode, null, 'the writer lives until it is killed')
  child.kill('SIGKILL')
  assert.deepEqual((await closed)[1], 'SIGKILL')
  const acknowledged = new Map<string, number[]>()
  for (const line of linesOf(notes)) {
    const [writer = '', sequence = ''] = line.split(' ')
    acknowledged.set(writer, [...(acknowledged.get(writer) ?? []), Number(sequence)])
  }
  return acknowledged
}

/** None where it was killed before its first. */
function linesOf(notes: string): readonly string[] {
  return existsSync(notes) ? readFileSync(notes, 'utf8').split('\n').slice(0, -1) : []
}

/** There is the last acknowledged write, or the one after it, whole. Gives 1 where it is the one after. */
async function check(
  storage: Storage,
  writer: string,
  round: number,
  acknowledged: readonly number[],
  known: Known,
): Promise<0 | 1> {
  const first = round * ROUND
  assert.deepEqual(
    acknowledged,
    acknowledged.map((_, index) => first + index),
  )
  const last = acknowledged.at(-1)
  const expected = last === undefined ? known.get(writer) : changesOf(writer, last)
  const next = changesOf(writer, (last ?? first - 1) + 1)
  const found = await Promise.all(keysOf(writer).map(async (key) => ({ key, value: await storage.get(key) })))
  const before = expected ?? keysOf(writer).map((key) => ({ key, value: undefined }))
  const isNext = !isSame(found, before)
  if (isNext)
    assert.ok(isSame(found, next), `${writer} after ${last} in round ${round}: neither that nor the next write`)
  known.set(writer, isNext ? next : before)
  return isNext ? 1 : 0
}

function isSame(some: readonly StoreChange[], others: readonly StoreChange[]): boolean {
  return some.every(({ value }, index) => {
    const other = others[index]?.value
    return value === undefined || other === undefined ? value === other : Buffer.compare(value, other) === 0
  })
}

async function checkLists(storage: Storage, known: Known): Promise<void> {
  const keys = [...known.values()].flat().filter(({ value }) => value !== undefined)
  const below = (prefix: string): readonly string[] => {
    const names = keys.filter(({ key }) => key.startsWith(prefix)).map(({ key }) => key.slice(prefix.length))
    return [...new Set(names.map((name) => name.replace(/\/.*/, '/')))].sort()
  }
  for (const prefix of ['', 's/', 'g/', ...below('g/').map((name) => `g/${name}`)]) {
    assert.deepEqual(await storage.list(prefix), below(prefix), prefix)
  }
}
