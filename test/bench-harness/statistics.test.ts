import assert from 'node:assert/strict'
import { test } from 'node:test'
import { median, quantile } from '../bench/statistics.ts'

test('a median is the middle value, whatever the order', () => {
  assert.equal(median([9, 1, 5]), 5)
})

test('a median of an even number of values is the mean of the two in the middle', () => {
  assert.equal(median([4, 1, 2, 100]), 3)
})

test('a median of nothing is no number', () => {
  assert.equal(median([]), Number.NaN)
})

test('a quantile is a value that was seen', () => {
  const sorted = Float64Array.from({ length: 100 }, (_, at) => at + 1)

  assert.deepEqual(
    [0, 0.5, 0.99, 1].map((fraction) => quantile(sorted, fraction)),
    [1, 50, 99, 100],
  )
})
