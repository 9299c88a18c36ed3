import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs } from '../../lib/policy/duration.ts'

for (const [text, ms] of [
  ['0s', 0],
  ['250ms', 250],
  ['30s', 30_000],
  ['5m', 300_000],
  ['768h', 2_764_800_000],
  ['2d', 172_800_000],
] as const) {
  test(`${text} is ${ms} ms`, () => {
    assert.equal(durationMs(text), ms)
  })
}

test('what is no duration is refused', () => {
  for (const text of ['', '5', 's', '-1s', '1.5s', '1 s', '1w']) assert.throws(() => durationMs(text), RangeError)
})
