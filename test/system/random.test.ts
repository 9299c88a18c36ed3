import assert from 'node:assert/strict'
import { test } from 'node:test'
import { systemRandom } from '../../lib/system/random.ts'

test('a fraction is 0 or more and below 1', () => {
  for (let draw = 0; draw < 1_000; draw += 1) {
    const fraction = systemRandom.fraction()
    assert.ok(fraction >= 0 && fraction < 1)
  }
})

test('UUIDs are of version 4 and differ', () => {
  const uuids = Array.from({ length: 100 }, () => systemRandom.uuid())
  for (const uuid of uuids) assert.match(uuid, /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  assert.equal(new Set(uuids).size, 100)
})

test('bytes are as many as asked for, differ, and share no memory with others', () => {
  const [one, other] = [systemRandom.bytes(32), systemRandom.bytes(32)]
  assert.equal(one.length, 32)
  assert.notDeepEqual(one, other)
  assert.equal(one.buffer.byteLength, 32)
})
