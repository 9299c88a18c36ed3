import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs } from '../../lib/model/duration.ts'

const CASES: readonly (readonly [text: string, ms: number | undefined])[] = [
  ['90s', 90_000],
  ['1h30m', 5_400_000],
  ['1.5s', 1_500],
  ['.5s', 500],
  ['2d', 172_800_000],
  ['500ms', 500],
  ['1us', 0.001],
  ['3µs', 0.003],
  ['0.1s0.2s', 300],
  ['', undefined],
  ['90', undefined],
  ['-1s', undefined],
  ['1 s', undefined],
  ['1y', undefined],
  ['1h.', undefined],
  [`${'1s'.repeat(51)}`, undefined],
]

for (const [text, ms] of CASES) {
  test(`${JSON.stringify(text)} is ${ms ?? 'no'} milliseconds`, () => assert.equal(durationMs(text), ms))
}
