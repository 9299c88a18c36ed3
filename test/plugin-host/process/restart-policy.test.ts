import assert from 'node:assert/strict'
import { test } from 'node:test'
import {
  afterFailure,
  BREAKER_FAILURES,
  mayStart,
  type RestartState,
  STABLE_MS,
  UNTROUBLED,
} from '../../../lib/plugin-host/process/restart-policy.ts'

function failed(times: number, aliveMs = 0, jitter = 0): RestartState {
  let state = UNTROUBLED
  for (let at = 0; at < times; at++) state = afterFailure(state, 1000, aliveMs, jitter)
  return state
}

test('what has not failed may start', () => assert.deepEqual(mayStart(UNTROUBLED, 1), { kind: 'start' }))

test('the first end is followed by a start at once', () =>
  assert.deepEqual(mayStart(failed(1), 1000), { kind: 'start' }))

test('then calls wait, twice as long each time', () => {
  assert.deepEqual(
    [2, 3, 4].map((times) => mayStart(failed(times), 1000)),
    [100, 200, 400].map((ms) => ({ kind: 'wait', ms })),
  )
})

test('the fifth opens the breaker, and each one after that for twice as long, to 5 minutes', () => {
  assert.deepEqual(
    [5, 6, 7, 20, 2000].map((times) => mayStart(failed(times), 1000)),
    [10_000, 20_000, 40_000, 300_000, 300_000].map((ms) => ({ kind: 'refuse', ms })),
  )
})

test('an open breaker lets one start through when its time is over', () => {
  assert.deepEqual(mayStart(failed(5), 10_999), { kind: 'refuse', ms: 1 })
  assert.deepEqual(mayStart(failed(5), 11_000), { kind: 'start' })
})

test('a life long enough makes up for what was before', () => {
  const state = afterFailure(failed(BREAKER_FAILURES + 3), 1000, STABLE_MS, 0)
  assert.deepEqual(mayStart(state, 1000), { kind: 'start' })
})

test('jitter takes away up to half', () => {
  assert.deepEqual(mayStart(failed(5, 0, 0.999), 1000), { kind: 'refuse', ms: 5005 })
})
