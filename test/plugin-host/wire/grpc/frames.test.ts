import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { StorageEntry } from '../../../../lib/plugin-host/wire/gen/storage.ts'
import { encodeFrame, FrameReader } from '../../../../lib/plugin-host/wire/grpc/frames.ts'
import { Budget } from '../../../../lib/plugin-host/wire/grpc/limits.ts'
import { decodeText, encodeText, GrpcStatusError, statusIn } from '../../../../lib/plugin-host/wire/grpc/status.ts'
import { formatTimeout, parseTimeout } from '../../../../lib/plugin-host/wire/grpc/timeout.ts'

const KIB = 1024
const refused = (): never => assert.fail('it is no message')

function frame(value: Uint8Array): Buffer {
  return Buffer.from(encodeFrame(StorageEntry, { key: 'k', value, sealWrap: true }, Infinity))
}

test('messages come out as they went in, however the bytes are cut', () => {
  const cuts = fc.array(fc.nat({ max: 400 * KIB }), { maxLength: 12 })
  const sizes = fc.array(fc.oneof(fc.nat({ max: 40 }), fc.nat({ max: 150 * KIB })), { minLength: 1, maxLength: 4 })
  fc.assert(
    fc.property(sizes, cuts, (lengths, places) => {
      const values = lengths.map((length, at) => Buffer.alloc(length, at + 1))
      const bytes = Buffer.concat(values.map(frame))
      const budget = new Budget(KIB * KIB)
      const reader = new FrameReader(KIB * KIB, budget)
      const got: Uint8Array[] = []
      const edges = [...places.map((place) => place % (bytes.length + 1)), 0, bytes.length].sort((a, b) => a - b)
      for (const [at, edge] of edges.entries())
        reader.push(bytes.subarray(edges[at - 1] ?? 0, edge), (message) => got.push(StorageEntry.decode(message).value))
      assert.equal(reader.isAtBoundary, true)
      assert.deepEqual(
        got.map((value) => Buffer.from(value)),
        values,
      )
      // Nothing is left on the budget.
      assert.doesNotThrow(() => budget.take(KIB * KIB))
    }),
  )
})

test('one byte at a time is read as well, without a buffer for each', () => {
  const bytes = frame(Buffer.alloc(200 * KIB, 7))
  const reader = new FrameReader(KIB * KIB, new Budget(KIB * KIB))
  let messages = 0
  for (let at = 0; at < bytes.length; at += 1) reader.push(bytes.subarray(at, at + 1), () => (messages += 1))
  assert.equal(messages, 1)
})

test('a message that announces too much, or is compressed, is refused by its header', () => {
  const reader = (): FrameReader => new FrameReader(10, new Budget(100))
  const refuse = (bytes: readonly number[], code: number): void =>
    assert.throws(() => reader().push(Buffer.from(bytes), refused), { name: 'GrpcStatusError', code })
  refuse([0, 0, 0, 0, 11], 8)
  refuse([0, 0xff, 0xff, 0xff, 0xff], 8)
  refuse([1, 0, 0, 0, 1, 0], 12)
  refuse([0xff, 0, 0, 0, 1], 12)
})

test('memory grows with what has come, not with what is announced, and a budget bounds it', () => {
  const budget = new Budget(256 * KIB)
  const readers = Array.from({ length: 4 }, () => new FrameReader(32 * KIB * KIB, budget))
  const header = Buffer.from([0, 1, 0, 0, 0])
  for (const reader of readers) reader.push(Buffer.concat([header, Buffer.alloc(100)]), refused)
  assert.throws(() => readers[0]?.push(Buffer.alloc(70 * KIB), refused), { code: 8 })
  for (const reader of readers) reader.close()
  assert.doesNotThrow(() => budget.take(256 * KIB))
})

test('any bytes are messages or a status, never anything else', () => {
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 30 })), (chunks) => {
      const reader = new FrameReader(20, new Budget(1_000))
      try {
        for (const chunk of chunks) reader.push(Buffer.from(chunk), (message) => assert.ok(message.length <= 20))
      } catch (error) {
        assert.ok(error instanceof GrpcStatusError)
      }
    }),
  )
})

test('texts of a status survive their header, and bad ones are taken as they stand', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 100 }), (text) => {
      const encoded = encodeText(text)
      assert.match(encoded, /^[\x20-\x7e]*$/)
      assert.equal(decodeText(encoded), text.toWellFormed())
    }),
  )
  assert.equal(decodeText('100%'), '100%')
  assert.equal(decodeText('%zz%4'), '%zz%4')
  assert.equal(decodeText('%ff'), '\ufffd')
  assert.equal(decodeText('x'.repeat(100_000)).length, 4096)
  assert.equal(statusIn({}), undefined)
  assert.equal(statusIn({ 'grpc-status': '0' }), 'ok')
  for (const code of ['', 'x', '-1', '9999', ['0', '0'], 1e9])
    assert.equal((statusIn({ 'grpc-status': code }) as GrpcStatusError).code, 2)
})

test('deadlines fit their header', () => {
  assert.deepEqual([0.2, 1, 90_000, 99_999_999, 1e9, 1e300].map(formatTimeout), [
    '1m',
    '1m',
    '90000m',
    '99999999m',
    '1000000S',
    '99999999S',
  ])
  assert.deepEqual(
    ['1H', '2M', '3S', '4m', '5000u', '6000000n'].map(parseTimeout),
    [3_600_000, 120_000, 3_000, 4, 5, 6],
  )
  assert.equal(parseTimeout(undefined), undefined)
  for (const bad of ['', '1', 'm', '-1m', '123456789m', '1x', '1.5S', ['1m']])
    assert.ok(Number.isNaN(parseTimeout(bad)))
})
