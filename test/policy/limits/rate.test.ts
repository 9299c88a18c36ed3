import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { adopt, type Bucket, fullBucket, type Rate, settle, take, waitMs } from '../../../lib/policy/limits/rate.ts'

const rates: fc.Arbitrary<Rate> = fc.record({
  count: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 999_999_999 })),
  perMs: fc.constantFrom(1000, 60_000, 3_600_000),
  burst: fc.oneof(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 999_999_999 })),
})

/** Waits between attempts: none, short, about as long as a token takes, long. */
const waits = fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 20 }), fc.integer({ min: 0, max: 400_000 }))

function attempt(bucket: Bucket, nowMs: number): boolean {
  settle(bucket, nowMs)
  if (waitMs(bucket) > 0) return false
  take(bucket)
  return true
}

/** What a rate promises, without any bucket: in no stretch of time more than burst and what the time allows. */
function mayPass({ count, perMs, burst }: Rate, passed: readonly number[], nowMs: number): boolean {
  const unit = BigInt(perMs)
  return [...passed, nowMs].every((fromMs, at) => {
    const inside = BigInt(passed.length + 1 - at)
    return inside * unit <= BigInt(burst) * unit + BigInt(nowMs - fromMs) * BigInt(count)
  })
}

test('a bucket lets through exactly what a rate promises: no access more, none less', () => {
  fc.assert(
    fc.property(rates, fc.array(waits, { maxLength: 60, size: 'max' }), (rate, steps) => {
      const bucket = fullBucket(rate, 1_000)
      const passed: number[] = []
      let nowMs = 1_000
      for (const step of steps) {
        nowMs += step
        const expected = mayPass(rate, passed, nowMs)
        assert.equal(attempt(bucket, nowMs), expected)
        if (expected) passed.push(nowMs)
      }
    }),
    { numRuns: 2_000 },
  )
})

test('the wait that is told is the shortest that helps', () => {
  fc.assert(
    fc.property(rates, fc.array(waits, { maxLength: 40, size: 'max' }), (rate, steps) => {
      const bucket = fullBucket(rate, 0)
      let nowMs = 0
      for (const step of steps) {
        nowMs += step
        if (attempt(bucket, nowMs)) continue
        const wait = waitMs(bucket)
        assert.ok(Number.isInteger(wait) && wait >= 1)
        assert.equal(attempt({ ...bucket }, nowMs + wait - 1), false)
        assert.equal(attempt({ ...bucket }, nowMs + wait), true)
      }
    }),
    { numRuns: 500 },
  )
})

test('whatever the clock does, no more passes than the burst and what forward steps allow, and nobody waits longer than a full bucket takes', () => {
  const steps = fc.array(fc.oneof(waits, fc.integer({ min: -(10 ** 9), max: 10 ** 9 })), { maxLength: 60, size: 'max' })
  fc.assert(
    fc.property(rates, steps, (rate, moves) => {
      const { count, perMs, burst } = rate
      const bucket = fullBucket(rate, 10 ** 12)
      let nowMs = 10 ** 12
      let forwardMs = 0n
      let passed = 0n
      for (const move of moves) {
        nowMs += move
        forwardMs += BigInt(Math.max(0, move))
        if (attempt(bucket, nowMs)) passed += 1n
        assert.ok(passed * BigInt(perMs) <= BigInt(burst) * BigInt(perMs) + forwardMs * BigInt(count))
        assert.ok(waitMs(bucket) <= Math.ceil(perMs / count))
      }
    }),
    { numRuns: 1_000 },
  )
})

test('the largest rate is counted as exactly as the smallest', () => {
  const rate: Rate = { count: 999_999_999, perMs: 3_600_000, burst: 999_999_999 }
  const bucket = fullBucket(rate, 0)
  bucket.debt = (rate.burst - 1) * rate.perMs
  assert.equal(attempt(bucket, 0), true)
  assert.equal(attempt(bucket, 0), false)
  assert.equal(waitMs(bucket), 1)
  const passed = Array.from({ length: 1_000 }, () => attempt(bucket, 1)).filter(Boolean).length
  assert.equal(passed, 277)
})

test('a rule with another rate counts on: what is owed stays owed, as far as its burst goes', () => {
  const bucket = fullBucket({ count: 10, perMs: 1000, burst: 10 }, 0)
  for (let n = 0; n < 4; n += 1) assert.equal(attempt(bucket, 0), true)
  adopt(bucket, { count: 5, perMs: 60_000, burst: 6 })
  assert.deepEqual([attempt(bucket, 0), attempt(bucket, 0), attempt(bucket, 0)], [true, true, false])
  adopt(bucket, { count: 5, perMs: 60_000, burst: 1 })
  assert.equal(attempt(bucket, 0), false)
  assert.equal(waitMs(bucket), 12_000)
})
