import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CHAIN_START, hashOf, link, type Position } from '../../../lib/audit/chain/link.ts'
import { backOff, nextBatchSize } from '../../../lib/audit/spool/back-off.ts'
import {
  CURSOR_FILE_BYTES,
  type Cursor,
  decodeCursor,
  encodeCursor,
  slotOffset,
} from '../../../lib/audit/spool/cursor.ts'
import { cut } from '../../../lib/audit/spool/cut.ts'
import { segmentName, segmentNumber } from '../../../lib/audit/spool/segment-name.ts'

test('names of segments sort as their numbers, and nothing else is one', () => {
  const names = [1, 2, 10, 999, 1_000].map(segmentName)
  assert.deepEqual(names.toSorted(), names)
  assert.deepEqual(names.map(segmentNumber), [1, 2, 10, 999, 1_000])
  for (const name of ['cursor', 'lock', 'set-aside.txt', '1.jsonl', '000000000000000.jsonl', `${segmentName(1)}.gz`])
    assert.equal(segmentNumber(name), undefined, name)
})

test('a wait doubles up to 60 times the first, and jitter takes up to a half', () => {
  assert.deepEqual(
    [1, 2, 3, 6, 7, 2_000].map((failures) => backOff(failures, 1_000, 0)),
    [1_000, 2_000, 4_000, 32_000, 60_000, 60_000],
  )
  assert.equal(backOff(1, 1_000, 0.5), 750)
})

test('a batch halves down to one entry, and grows back', () => {
  const down = [512, 3, 1].map((size) => nextBatchSize(size, true, 512))
  const up = [1, 300, 512].map((size) => nextBatchSize(size, false, 512))
  assert.deepEqual(
    [down, up],
    [
      [256, 1, 1],
      [2, 512, 512],
    ],
  )
})

const CURSOR: Cursor = { segment: 7, offset: 1_234, position: { n: 99, hash: 'ab'.repeat(32) } }

function fileOf(...writings: readonly number[]): Buffer {
  const file = Buffer.alloc(CURSOR_FILE_BYTES)
  for (const writing of writings)
    encodeCursor({ cursor: { ...CURSOR, offset: writing }, writing }).copy(file, slotOffset(writing))
  return file
}

test('the cursor written last is read', () => {
  assert.deepEqual(decodeCursor(fileOf(1)), { cursor: { ...CURSOR, offset: 1 }, writing: 1 })
  assert.equal(decodeCursor(fileOf(1, 2, 3))?.cursor.offset, 3)
  assert.equal(decodeCursor(fileOf(1, 2, 3, 4))?.cursor.offset, 4)
})

test('a writing that was torn anywhere leaves the one before', () => {
  const before = fileOf(1, 2)
  const after = fileOf(1, 2, 3)
  const start = slotOffset(3)
  for (const bytes of [1, 60, 64, 65, 70, 100, 150, 160]) {
    const torn = Buffer.concat([after.subarray(0, start + bytes), before.subarray(start + bytes)])
    const isWhole = torn.equals(after)
    assert.equal(decodeCursor(torn)?.cursor.offset, isWhole ? 3 : 2, `${bytes} bytes`)
  }
})

test('what is no cursor is none', () => {
  const lies = ['{"writing":1}', '[]', '{"writing":1,"segment":-1,"offset":0,"n":0,"hash":""}']
  const files = [
    Buffer.alloc(0),
    Buffer.alloc(CURSOR_FILE_BYTES),
    ...lies.map((text) => Buffer.from(`${hashOf(text)} ${text}`)),
  ]
  for (const file of files) assert.equal(decodeCursor(file), undefined)
})

const parse = (text: string): number => {
  const { sequence } = JSON.parse(text)
  if (typeof sequence !== 'number') throw new TypeError('no entry')
  return sequence
}

/** Lines of a chain with these sequence numbers. */
function chained(...sequences: readonly unknown[]): readonly string[] {
  let last: Position = CHAIN_START
  return sequences.map((sequence) => {
    const linked = link(JSON.stringify({ sequence }), last)
    last = linked
    return linked.line
  })
}

const textOf = (lines: readonly string[]): Buffer => Buffer.from(lines.map((line) => `${line}\n`).join(''))

test('whole lines are taken, up to so many; what has no end yet stays', () => {
  const [one = '', two = '', three = ''] = chained(1, 2, 3)
  const text = Buffer.concat([textOf([one, two]), Buffer.from(three)])
  const all = cut(text, { after: CHAIN_START, maxLines: 10, parse })
  assert.deepEqual([all.entries, all.bytes, all.position?.n, all.missing], [[1, 2], one.length + two.length + 2, 2, 0])
  const first = cut(text, { after: CHAIN_START, maxLines: 1, parse })
  assert.deepEqual([first.entries, first.bytes], [[1], one.length + 1])
  assert.equal(cut(Buffer.from(one), { after: CHAIN_START, maxLines: 1, parse }).bytes, 0)
})

test('what cannot be shipped is told with its reason, and the rest is taken', () => {
  const [one = '', two = '', three = '', four = ''] = chained(1, 2, 'x', 4)
  const changed = two.replace('"sequence":2', '"sequence":3')
  const { entries, unusable, missing } = cut(textOf([one, changed, 'garbage', '', three, four]), {
    after: CHAIN_START,
    maxLines: 10,
    parse,
  })
  assert.deepEqual(entries, [1, 4])
  assert.deepEqual(
    unusable.map(({ line, why }) => [line.toString(), why]),
    [
      [changed, 'changed after it was written'],
      ['garbage', 'no line of a chain'],
      ['', 'no line of a chain'],
      [three, 'no audit entry'],
    ],
  )
  assert.equal(missing, 0)
})

test('lines that the chain tells of and that are not there are counted, also from one reading to the next', () => {
  const [one = '', , , four = '', five = ''] = chained(1, 2, 3, 4, 5)
  assert.equal(cut(textOf([one, four, five]), { after: CHAIN_START, maxLines: 10, parse }).missing, 2)
  const { position } = cut(textOf([one]), { after: CHAIN_START, maxLines: 10, parse })
  assert.equal(cut(textOf([five]), { after: position, maxLines: 10, parse }).missing, 3)
  assert.equal(cut(textOf([five]), { after: undefined, maxLines: 10, parse }).missing, 0)
})
