import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { appendFile, chmod, mkdir, readdir, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { LineCutter } from '../../../lib/audit/chain/lines.ts'
import { ChainVerifier } from '../../../lib/audit/chain/verifier.ts'
import type { Unusable } from '../../../lib/audit/spool/cut.ts'
import { segmentName } from '../../../lib/audit/spool/segment-name.ts'
import { SegmentSource } from '../../../lib/system/spool/source.ts'
import { NoRoomError, SpoolStore, type StoreOptions } from '../../../lib/system/spool/store.ts'
import { folderFor } from '../folder.ts'

const OPTIONS: StoreOptions = { maxBytes: 1_000_000, segmentBytes: 1_000, sync: false }

interface Scene {
  readonly store: SpoolStore
  readonly source: SegmentSource<number>
  readonly found: (readonly Unusable[] | number | boolean | unknown)[]
}

async function opened(t: TestContext, folder: string, options: Partial<StoreOptions> = {}): Promise<Scene> {
  const store = await SpoolStore.open(folder, { ...OPTIONS, ...options })
  t.after(() => store.close())
  const found: unknown[] = []
  const parse = (text: string): number => JSON.parse(text).sequence
  const source = new SegmentSource(store, parse, {
    onSetAside: (lines, kept) => found.push(...lines.map(({ why }) => why), kept),
    onMissing: (count) => found.push(count),
    onCursor: (cause) => found.push(cause),
  })
  return { store, source, found }
}

const line = (sequence: number, size = 0): string => JSON.stringify({ sequence, filler: 'x'.repeat(size) })

/** All that waits, told as shipped. */
async function drained({ source }: Scene, max = 3): Promise<readonly number[]> {
  const all: number[] = []
  for (let batch = await source.next(max); batch !== undefined; batch = await source.next(max)) {
    all.push(...batch.entries)
    await source.shipped()
  }
  return all
}

const segments = async (folder: string): Promise<readonly string[]> =>
  (await readdir(folder)).filter((name) => name.endsWith('.jsonl')).sort()

test('what is appended is given in order, segment after segment, and shipped segments are removed', async (t) => {
  const folder = join(await folderFor(t), 'spool')
  const scene = await opened(t, folder)
  for (let sequence = 1; sequence <= 20; sequence++) await scene.store.append([line(sequence)])
  assert.equal(scene.store.waiting, 20)
  const before = await segments(folder)
  assert.ok(before.length > 2, before.join())
  assert.deepEqual(
    await drained(scene),
    Array.from({ length: 20 }, (_, at) => at + 1),
  )
  assert.deepEqual([scene.store.waiting, scene.found], [0, []])
  assert.deepEqual(await segments(folder), before.slice(-1))
})

test('a batch is given again until it is told as shipped', async (t) => {
  const scene = await opened(t, await rights(t))
  await scene.store.append([line(1), line(2), line(3)])
  assert.deepEqual((await scene.source.next(2))?.entries, [1, 2])
  assert.deepEqual((await scene.source.next(1))?.entries, [1])
  await scene.source.shipped()
  assert.deepEqual((await scene.source.next(5))?.entries, [2, 3])
})

test('the folder has mode 0700, its files 0600', async (t) => {
  const folder = join(await folderFor(t), 'a', 'spool')
  const { store } = await opened(t, folder)
  await store.append([line(1)])
  assert.equal((await stat(folder)).mode & 0o777, 0o700)
  for (const name of await readdir(folder)) assert.equal((await stat(join(folder, name))).mode & 0o777, 0o600, name)
})

test('a folder that others may use is refused, as is a file in its place', async (t) => {
  const folder = await rights(t)
  await chmod(folder, 0o750)
  await assert.rejects(SpoolStore.open(folder, OPTIONS), /group or others may use .*0700/)
  const path = join(await folderFor(t), 'file')
  await writeFile(path, '')
  await assert.rejects(SpoolStore.open(path, OPTIONS), { code: 'EEXIST' })
})

test('a restart goes on where it stood, and the chain with it', async (t) => {
  const folder = await rights(t)
  const first = await opened(t, folder)
  for (let sequence = 1; sequence <= 10; sequence++) await first.store.append([line(sequence)])
  assert.deepEqual((await first.source.next(4))?.entries.length, 4)
  await first.source.shipped()
  await first.store.close()
  const second = await opened(t, folder)
  assert.equal(second.store.waiting, 6)
  await second.store.append([line(11)])
  const verified = await verifiedIn(folder)
  assert.deepEqual([verified.finding, verified.to.n, verified.torn], [undefined, 11, []])
  assert.deepEqual(await drained(second), [5, 6, 7, 8, 9, 10, 11])
  assert.deepEqual(second.found, [])
})

test('the chain goes on where everything was shipped and removed', async (t) => {
  const folder = await rights(t)
  const first = await opened(t, folder)
  await first.store.append([line(1, 2_000)])
  assert.deepEqual(await drained(first), [1])
  assert.deepEqual(await segments(folder), [])
  await first.store.close()
  const second = await opened(t, folder)
  await second.store.append([line(2)])
  assert.deepEqual([(await verifiedIn(folder)).from, await drained(second), second.found], [2, [2], []])
})

test('a torn last line is taken away at the start: nobody was told that it was written', async (t) => {
  const folder = await rights(t)
  const first = await opened(t, folder)
  await first.store.append([line(1), line(2)])
  await first.store.close()
  const path = join(folder, segmentName(1))
  await appendFile(path, line(3).slice(0, 9))
  const second = await opened(t, folder)
  await second.store.append([line(4)])
  assert.equal((await verifiedIn(folder)).finding, undefined)
  assert.deepEqual([await drained(second), second.found], [[1, 2, 4], []])
})

test('lines that were changed, or are none, are set aside and said, and the rest is shipped', async (t) => {
  const folder = await rights(t)
  const first = await opened(t, folder)
  await first.store.append([line(1), line(2), line(3)])
  await first.store.close()
  const path = join(folder, segmentName(1))
  const text = await readFile(path, 'utf8')
  await writeFile(path, `${text.replace('"sequence":2', '"sequence":7')}garbage\n`)
  const scene = await opened(t, folder)
  await scene.store.append([line(4)])
  assert.deepEqual(await drained(scene, 10), [1, 3, 4])
  assert.deepEqual(scene.found, ['changed after it was written', 'no line of a chain', true])
  const aside = await readFile(join(folder, 'set-aside.txt'), 'utf8')
  assert.match(aside, /^\{"sequence":7.*\ngarbage\n$/)
})

test('a segment that someone removed or cut is said by what is missing, and stops nothing', async (t) => {
  const folder = await rights(t)
  const scene = await opened(t, folder, { segmentBytes: 1 })
  for (let sequence = 1; sequence <= 5; sequence++) await scene.store.append([line(sequence)])
  await rm(join(folder, segmentName(2)))
  await truncate(join(folder, segmentName(4)), 10)
  assert.deepEqual(await drained(scene), [1, 3, 5])
  assert.deepEqual(scene.found, [1, 'no line of a chain', true])
})

test('without a cursor that is whole, all that is there is shipped again', async (t) => {
  const folder = await rights(t)
  const first = await opened(t, folder)
  for (let sequence = 1; sequence <= 3; sequence++) await first.store.append([line(sequence)])
  await first.source.next(2)
  await first.source.shipped()
  await first.store.close()
  await truncate(join(folder, 'cursor'), 0)
  const second = await opened(t, folder)
  assert.equal(second.store.waiting, 3)
  assert.deepEqual([await drained(second), second.found], [[1, 2, 3], []])
})

test('a line far longer than what is read at once comes whole', async (t) => {
  const scene = await opened(t, await rights(t), { maxBytes: 10_000_000 })
  await scene.store.append([line(1), line(2, 5_000_000), line(3)])
  assert.deepEqual([await drained(scene), scene.found], [[1, 2, 3], []])
})

test('more than maxBytes is refused whole, and taken again when what is there is shipped', async (t) => {
  const scene = await opened(t, await rights(t), { maxBytes: 5_000 })
  await scene.store.append([line(1, 2_000)])
  await scene.store.append([line(2, 2_000)])
  await assert.rejects(scene.store.append([line(3), line(4, 2_000)]), NoRoomError)
  await scene.store.append([line(5)])
  assert.deepEqual(await drained(scene), [1, 2, 5])
  await scene.store.append([line(6, 3_000)])
  assert.deepEqual([await drained(scene), scene.found], [[6], []])
})

test('a live segment that is shipped goes when its room is wanted', async (t) => {
  const folder = await rights(t)
  const scene = await opened(t, folder, { maxBytes: 5_000, segmentBytes: 5_000 })
  await scene.store.append([line(1, 3_000)])
  assert.deepEqual(await drained(scene), [1])
  assert.equal(scene.store.bytes > 3_000, true)
  await assert.rejects(scene.store.append([line(2, 3_000)]), NoRoomError)
  assert.equal(await scene.source.next(1), undefined)
  assert.deepEqual([scene.store.bytes, await segments(folder)], [0, []])
  await scene.store.append([line(2, 3_000)])
  assert.deepEqual([await drained(scene), scene.found], [[2], []])
})

test('one spool has a folder; it is free when that one is closed', async (t) => {
  const folder = await rights(t)
  const { store } = await opened(t, folder)
  await assert.rejects(SpoolStore.open(folder, OPTIONS), /another process has it open/)
  await store.close()
  await opened(t, folder)
})

test('the folder of a process that was killed is free at once', async (t) => {
  const folder = await rights(t)
  const child = fork(join(import.meta.dirname, 'holder.ts'), [folder], { execArgv: ['-C', 'portcullis-source'] })
  t.after(() => child.kill('SIGKILL'))
  await once(child, 'message')
  await assert.rejects(SpoolStore.open(folder, OPTIONS), /another process has it open/)
  child.kill('SIGKILL')
  await once(child, 'exit')
  const scene = await opened(t, folder)
  assert.deepEqual(await drained(scene), [1])
})

test('with sync everything works the same', async (t) => {
  const folder = await rights(t)
  const scene = await opened(t, folder, { sync: true })
  for (let sequence = 1; sequence <= 10; sequence++) await scene.store.append([line(sequence)])
  assert.deepEqual((await drained(scene)).length, 10)
})

/** A folder with mode 0700. */
async function rights(t: TestContext): Promise<string> {
  const folder = join(await folderFor(t), 'spool')
  await mkdir(folder, { mode: 0o700 })
  return folder
}

async function verifiedIn(folder: string): Promise<ReturnType<ChainVerifier['end']>> {
  const verifier = new ChainVerifier()
  for (const name of await segments(folder)) {
    verifier.file(name)
    const cutter = new LineCutter(verifier)
    cutter.chunk(await readFile(join(folder, name)))
    cutter.end()
  }
  return verifier.end()
}
