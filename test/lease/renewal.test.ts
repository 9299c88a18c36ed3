import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { graceMs, grantIsShort, type LeaseFacts, nextStep, renewalDelay, retryDelay } from '../../lib/lease/renewal.ts'

const jitters = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
const ttls = fc.integer({ min: 1, max: 10 * 365 * 86_400_000 })

test('the examples of renewalDelay hold', () => {
  assert.equal(renewalDelay({ issuedAtMs: 0, ttlMs: 90_000 }, 0, 0), 60_000)
  assert.equal(renewalDelay({ issuedAtMs: 0, ttlMs: 90_000 }, 30_000, 0.5), 38_000)
})

test('a renewal waits two thirds of the time left, less a tenth of that at most', () => {
  fc.assert(
    fc.property(ttls, jitters, fc.nat(1_000_000), (ttlMs, jitter, issuedAtMs) => {
      const delayMs = renewalDelay({ issuedAtMs, ttlMs }, issuedAtMs, jitter)
      assert.ok(Number.isInteger(delayMs))
      assert.ok(delayMs <= (ttlMs * 2) / 3 && delayMs >= Math.floor((ttlMs * 2 * 0.9) / 3))
    }),
  )
})

test('a lease without end is never due', () => {
  assert.equal(renewalDelay({ issuedAtMs: 0, ttlMs: Infinity }, 1e12, 0.5), Infinity)
})

test('a lease past its end is expired, not due', () => {
  for (const nowMs of [90_000, 90_001, 1e12]) {
    assert.throws(() => renewalDelay({ issuedAtMs: 0, ttlMs: 90_000 }, nowMs, 0), {
      name: 'LeaseError',
      code: 'ERR_PORTCULLIS_LEASE_EXPIRED',
      message: `the lease ended ${nowMs - 90_000} ms ago`,
    })
  }
})

test('a lease whose end is no number is expired', () => {
  assert.throws(() => renewalDelay({ issuedAtMs: 0, ttlMs: Number.NaN }, 0, 0), {
    code: 'ERR_PORTCULLIS_LEASE_EXPIRED',
  })
})

for (const jitter of [-0.1, 1, Number.NaN]) {
  test(`a jitter of ${jitter} is refused`, () => {
    const expected = { name: 'RangeError', message: `jitter must be in [0, 1), got ${jitter}` }
    assert.throws(() => renewalDelay({ issuedAtMs: 0, ttlMs: Infinity }, 0, jitter), expected)
    assert.throws(() => retryDelay(1, 0, 1_000, jitter), expected)
    assert.throws(() => nextStep(LEASE, 0, jitter), expected)
  })
}

for (const [ttlMs, expected] of [
  [3_600_000, 300_000],
  [768 * 3_600_000, 300_000],
  [60_000, 6_000],
  [10_000, 1_000],
  [5_000, 1_000],
  [1_000, 500],
  [0, 0],
  [-1, 0],
  [Infinity, 300_000],
] as const) {
  test(`the grace of a TTL of ${ttlMs} ms is ${expected} ms`, () => {
    assert.equal(graceMs(ttlMs), expected)
  })
}

test('a fresh lease comes to its renewal before its grace, or where that begins', () => {
  fc.assert(
    fc.property(ttls, jitters, (ttlMs, jitter) => {
      const { kind, atMs } = nextStep({ ...LEASE, ttlMs }, 0, jitter)
      assert.equal(kind, 'renew')
      assert.ok(atMs >= 0 && atMs <= ttlMs - graceMs(ttlMs))
    }),
  )
})

test('retries spread between 250 ms and three times the wait before, and no wait is longer than 30 s', () => {
  assert.equal(retryDelay(1, 9_999, Infinity, 0), 250)
  assert.equal(retryDelay(1, 9_999, Infinity, 0.999), 749)
  assert.equal(retryDelay(2, 700, Infinity, 0), 250)
  assert.equal(retryDelay(2, 700, Infinity, 0.5), 1_175)
  assert.equal(retryDelay(9, 30_000, Infinity, 0.5), 15_125)
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(1e9), jitters, (attempt, previousMs, jitter) => {
      const delayMs = retryDelay(attempt, previousMs, Infinity, jitter)
      assert.ok(delayMs >= 250 && delayMs <= 30_000)
    }),
  )
})

test('a retry leaves as much time after it as before it, and there is none without room', () => {
  assert.equal(retryDelay(5, 20_000, 3_000, 0.9), 1_500)
  assert.equal(retryDelay(1, 0, 500, 0.9), 250)
  for (const leftMs of [499, 0, -1, Number.NaN]) assert.equal(retryDelay(1, 0, leftMs, 0.9), Infinity)
})

test('a row of retries ends before the lease does', () => {
  fc.assert(
    fc.property(fc.integer({ min: 500, max: 3_600_000 }), fc.array(jitters, { minLength: 1 }), (ttlMs, chances) => {
      let nowMs = 0
      let delayMs = 0
      for (let attempt = 1; delayMs !== Infinity; attempt += 1) {
        nowMs += delayMs
        assert.ok(nowMs < ttlMs && attempt < 20_000)
        delayMs = retryDelay(attempt, delayMs, ttlMs - nowMs, chances[attempt % chances.length] ?? 0)
      }
    }),
  )
})

test('an attempt counts from 1', () => {
  for (const attempt of [0, 1.5, Number.NaN]) {
    assert.throws(() => retryDelay(attempt, 0, 1_000, 0), /^RangeError: attempt must be 1 or more/)
  }
})

for (const [askedMs, grantedMs, expected] of [
  [3_600_000, 3_600_000, false],
  [3_600_000, 7_200_000, false],
  [3_600_000, 3_599_001, false],
  [3_600_000, 3_599_000, true],
  [3_600_000, 600_000, true],
  [3_600_000, 0, true],
] as const) {
  test(`${grantedMs} ms granted of ${askedMs} are ${expected ? 'short' : 'enough'}`, () => {
    assert.equal(grantIsShort(askedMs, grantedMs), expected)
  })
}

const LEASE: LeaseFacts = { issuedAtMs: 0, ttlMs: 90_000, renewable: true, maxEndsAtMs: Infinity }
const FIXED: LeaseFacts = { ...LEASE, renewable: false }

/** What is known, when, and what is to be done: with a jitter of 0, then of 0.5. */
const STEPS: readonly (readonly [string, LeaseFacts, number, string, number, number])[] = [
  ['a renewable lease is renewed', LEASE, 0, 'renew', 60_000, 57_000],
  ['a renewable lease in the middle is renewed', LEASE, 30_000, 'renew', 70_000, 68_000],
  ['a renewal that would fall into the grace is brought to its start', LEASE, 80_000, 'renew', 81_000, 81_000],
  ['a renewable lease in its grace is rotated at once', LEASE, 81_000, 'rotate', 81_000, 81_000],
  ['a lease at its end ends', LEASE, 90_000, 'end', 90_000, 90_000],
  ['a lease long past its end ended then', LEASE, 500_000, 'end', 90_000, 90_000],
  ['a fixed lease is rotated where the grace begins', FIXED, 0, 'rotate', 81_000, 76_950],
  ['a fixed lease in its grace is rotated at once', FIXED, 85_000, 'rotate', 85_000, 85_000],
  [
    'a lease whose renewal moved its end is renewed again',
    { ...LEASE, renewed: { leftMs: 30_000, grantedMs: 90_000 } },
    0,
    'renew',
    60_000,
    57_000,
  ],
  [
    'a lease whose renewal was granted less, but more than was left, is renewed again',
    { ...LEASE, ttlMs: 60_000, renewed: { leftMs: 30_000, grantedMs: 60_000 } },
    0,
    'renew',
    40_000,
    38_000,
  ],
  [
    'a lease whose renewal was granted what was left is rotated',
    { ...LEASE, ttlMs: 30_000, renewed: { leftMs: 30_000, grantedMs: 30_000 } },
    0,
    'rotate',
    27_000,
    25_650,
  ],
  [
    'a lease whose renewal gained less than a second is rotated',
    { ...LEASE, ttlMs: 30_000, renewed: { leftMs: 29_400, grantedMs: 30_000 } },
    0,
    'rotate',
    27_000,
    25_650,
  ],
  ['a session that ends later changes nothing', { ...LEASE, maxEndsAtMs: 90_000 }, 0, 'renew', 60_000, 57_000],
  [
    'a lease whose session ends first is rotated before that end',
    { ...LEASE, maxEndsAtMs: 50_000 },
    0,
    'rotate',
    45_000,
    42_750,
  ],
  ['a lease whose session has ended ends', { ...LEASE, maxEndsAtMs: 50_000 }, 50_000, 'end', 50_000, 50_000],
  [
    'a lease without end ends with its session, and is rotated before',
    { ...LEASE, ttlMs: Infinity, maxEndsAtMs: 100_000 },
    0,
    'rotate',
    90_000,
    85_500,
  ],
  ['what has no end at all is left alone', { ...LEASE, ttlMs: Infinity }, 0, 'end', Infinity, Infinity],
  [
    'a certificate outlives the session',
    { ...FIXED, kind: 'certificate', maxEndsAtMs: 50_000 },
    0,
    'rotate',
    81_000,
    76_950,
  ],
  [
    'a static role is read just after its clock has run out, whatever the session',
    { ...FIXED, kind: 'static-role', maxEndsAtMs: 50_000 },
    0,
    'rotate',
    91_000,
    92_000,
  ],
  [
    'a static role whose password is late is read again a moment later',
    { ...FIXED, kind: 'static-role', ttlMs: 0 },
    100_000,
    'rotate',
    101_000,
    102_000,
  ],
  ['a stored secret is left alone', { ...FIXED, kind: 'none', ttlMs: Infinity }, 0, 'end', Infinity, Infinity],
]

for (const [fact, facts, nowMs, kind, atMs, jitteredMs] of STEPS) {
  test(fact, () => {
    assert.deepEqual(nextStep(facts, nowMs, 0), { kind, atMs })
    assert.deepEqual(nextStep(facts, nowMs, 0.5), { kind, atMs: jitteredMs })
  })
}

test('what cannot be dated ends', () => {
  assert.equal(nextStep({ ...LEASE, ttlMs: Number.NaN }, 0, 0).kind, 'end')
  assert.equal(nextStep({ ...LEASE, maxEndsAtMs: Number.NaN }, 0, 0).kind, 'end')
})

test('what is to be done lies before the end, and never in the past', () => {
  const facts = fc.record({
    issuedAtMs: fc.nat(1_000_000),
    ttlMs: ttls,
    renewable: fc.boolean(),
    maxEndsAtMs: fc.oneof(fc.constant(Infinity), ttls),
    kind: fc.constantFrom('lease' as const, 'certificate' as const),
  })
  fc.assert(
    fc.property(facts, fc.nat(1_000_000), jitters, (known, agoMs, jitter) => {
      const nowMs = known.issuedAtMs + agoMs
      const endsAtMs = Math.min(known.issuedAtMs + known.ttlMs, known.kind === 'lease' ? known.maxEndsAtMs : Infinity)
      const { kind, atMs } = nextStep(known, nowMs, jitter)
      assert.equal(kind === 'end', endsAtMs <= nowMs)
      if (kind === 'end') assert.equal(atMs, endsAtMs)
      else assert.ok(atMs >= nowMs && atMs < endsAtMs, `${kind} at ${atMs}`)
    }),
  )
})

test('a lease with a max TTL is renewed a few times, then rotated before the ceiling', () => {
  const maxMs = 86_400_000
  let facts: LeaseFacts = { ...LEASE, ttlMs: 3_600_000 }
  let step = nextStep(facts, 0, 0)
  let renewals = 0
  for (; step.kind === 'renew'; step = nextStep(facts, step.atMs, 0)) {
    renewals += 1
    const leftMs = facts.issuedAtMs + facts.ttlMs - step.atMs
    const grantedMs = Math.min(3_600_000, maxMs - step.atMs)
    facts = { ...facts, issuedAtMs: step.atMs, ttlMs: grantedMs, renewed: { leftMs, grantedMs } }
  }
  assert.equal(step.kind, 'rotate')
  assert.ok(step.atMs < maxMs && step.atMs > maxMs - 300_000)
  assert.ok(renewals >= 35 && renewals <= 37, `${renewals} renewals`)
})
