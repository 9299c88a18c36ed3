import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { test } from 'node:test'
import { createHasher, HASH_KEY_MIN_BYTES, HASH_MAX_DEPTH } from '../../lib/audit/hasher.ts'
import type { JsonObject, JsonValue } from '../../lib/model/json.ts'

const KEY = new TextEncoder().encode('0123456789abcdef0123456789abcdef')
const hasher = createHasher(KEY)

test('the HMAC of RFC 4231, test case 2, comes out where its key is made long enough by zeros', () => {
  // A key shorter than the block of SHA-256 is filled up with zeros: the padded key is the same key.
  const key = new Uint8Array(16)
  key.set(new TextEncoder().encode('Jefe'))
  const expected = 'hmac-sha256:5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843'
  assert.equal(createHasher(key).value('what do ya want for nothing?'), expected)
})

test('a value is hashed as RFC 2104 says, over its UTF-8 bytes', () => {
  for (const text of ['', 'hunter2', 'pässwörd', '💥', 'x'.repeat(1000)]) assert.equal(hasher.value(text), byHand(text))
})

test('strings are hashed wherever they stand, in lists too', () => {
  assert.deepEqual(plain(hasher.data({ a: 'x', b: { c: 'y' }, d: ['z', ['w'], { e: 'v' }] })), {
    a: byHand('x'),
    b: { c: byHand('y') },
    d: [byHand('z'), [byHand('w')], { e: byHand('v') }],
  })
})

test('keys, numbers, booleans and null stay', () => {
  const data = { number: 1.5, zero: 0, yes: true, no: false, nothing: null, list: [1, null, true] }
  assert.deepEqual(plain(hasher.data(data)), data)
})

test('RFC 3339 times stay', () => {
  for (const time of [
    '2026-01-02T03:04:05Z',
    '2026-01-02T03:04:05.6Z',
    '2026-01-02T03:04:05.123456789Z',
    '2026-01-02T03:04:05.123456789+02:00',
    '2024-02-29T03:04:05Z',
  ])
    assert.deepEqual(plain(hasher.data({ time, list: [time] })), { time, list: [time] })
})

test('what only looks a little like a time is hashed', () => {
  for (const text of [
    '2026-01-02',
    '2026-01-02 03:04:05Z',
    ' 2026-01-02T03:04:05Z',
    '2026-01-02T03:04:05Z\n',
    '2026-01-02T03:04:05Z hunter2',
    '2026-01-02T03:04:05.1234567890Z',
    '2026-01-02T03:04:05',
    '٢٠٢٦-01-02T03:04:05Z',
    '2026-13-02T03:04:05Z',
    '2026-02-29T03:04:05Z',
    '2026-04-31T03:04:05Z',
    '2026-01-02T24:04:05Z',
    '2026-01-02T03:04:60Z',
    '2026-01-02T03:04:05+24:00',
    '1767323045',
  ])
    assert.deepEqual(plain(hasher.data({ text })), { text: byHand(text) }, text)
})

test('a key named __proto__ stays a key of its own', () => {
  const data: JsonObject = JSON.parse('{"__proto__":{"polluted":"x"},"constructor":"y"}')
  const text = JSON.stringify(hasher.data(data))
  assert.equal(text, `{"__proto__":{"polluted":"${byHand('x')}"},"constructor":"${byHand('y')}"}`)
  assert.equal(Object.hasOwn({}, 'polluted'), false)
})

test('below the greatest depth a value is hashed whole', () => {
  const text = JSON.stringify(hasher.data(nested(HASH_MAX_DEPTH + 10) as JsonObject))
  assert.ok(!text.includes('deep-secret'))
  assert.match(text, /"hmac-sha256:[0-9a-f]{64}"/)
})

test('nothing in clear is left at any depth', () => {
  for (let depth = 1; depth < HASH_MAX_DEPTH + 5; depth++) {
    const text = JSON.stringify(hasher.data(nested(depth) as JsonObject))
    assert.ok(!text.includes('deep-secret'), `depth ${depth}`)
  }
})

test('what went in is not changed', () => {
  const data = { a: 'x', b: ['y'] }
  hasher.data(data)
  assert.deepEqual(data, { a: 'x', b: ['y'] })
})

test('equal values have equal HMACs under one key, and others under another', () => {
  const other = createHasher(new Uint8Array(32))
  assert.equal(hasher.value('x'), createHasher(KEY).value('x'))
  assert.notEqual(hasher.value('x'), other.value('x'))
})

test('a key that is too short is refused, and the shortest is taken', () => {
  assert.throws(() => createHasher(new Uint8Array(HASH_KEY_MIN_BYTES - 1)), {
    name: 'RangeError',
    message: /at least 16 bytes, got 15/,
  })
  createHasher(new Uint8Array(HASH_KEY_MIN_BYTES))
})

test('a key that is changed after it was handed over changes no HMAC', () => {
  const key = new Uint8Array(KEY)
  const kept = createHasher(key)
  key.fill(0)
  assert.equal(kept.value('x'), byHand('x'))
})

/** HMAC by its definition, from the hash alone. */
function byHand(text: string): string {
  const padded = new Uint8Array(64)
  padded.set(KEY)
  const inner = sha256(
    padded.map((byte) => byte ^ 0x36),
    new TextEncoder().encode(text),
  )
  return `hmac-sha256:${sha256(
    padded.map((byte) => byte ^ 0x5c),
    inner,
  ).toString('hex')}`
}

function sha256(...parts: readonly Uint8Array[]): Buffer {
  const hash = createHash('sha256')
  for (const part of parts) hash.update(part)
  return hash.digest()
}

/** Objects without prototype made plain, to be compared. */
function plain(data: JsonObject): unknown {
  return JSON.parse(JSON.stringify(data))
}

function nested(depth: number): JsonValue {
  let value: JsonValue = 'deep-secret'
  for (let level = 0; level < depth; level++) value = level % 2 === 0 ? { inner: value } : [value]
  return isList(value) ? { inner: value } : value
}

function isList(value: JsonValue): boolean {
  return Array.isArray(value)
}
