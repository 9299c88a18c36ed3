import assert from 'node:assert/strict'
import { test } from 'node:test'
import { durationMs, durationText } from '../../../lib/plugin-host/router/duration.ts'
import { Refusal } from '../../../lib/plugin-host/router/refusal.ts'
import { grantedTtl, type TtlTerms } from '../../../lib/plugin-host/router/ttl.ts'

const HOUR = 3_600_000
const NOW = 1_800_000_000_000

/** A mount of 1 h and 24 h, at the moment of issue. */
const TERMS: TtlTerms = {
  incrementMs: 0,
  backendTtlMs: 0,
  backendMaxTtlMs: 0,
  periodMs: 0,
  explicitMaxTtlMs: 0,
  defaultTtlMs: HOUR,
  maxTtlMs: 24 * HOUR,
  startMs: NOW,
  nowMs: NOW,
}

const TABLE: readonly (readonly [what: string, terms: Partial<TtlTerms>, ttlMs: number, warnings: number])[] = [
  ['the default of the mount', {}, HOUR, 0],
  ['what the plugin wants', { backendTtlMs: 60_000 }, 60_000, 0],
  ['what is asked for beats what the plugin wants', { incrementMs: 120_000, backendTtlMs: 60_000 }, 120_000, 0],
  ['the max of the mount caps, and says so', { backendTtlMs: 30 * HOUR }, 24 * HOUR, 1],
  ['the max of the plugin caps the default too', { backendMaxTtlMs: 60_000 }, 60_000, 1],
  [
    'a max of the plugin above that of the mount changes nothing',
    { backendTtlMs: 30 * HOUR, backendMaxTtlMs: 40 * HOUR },
    24 * HOUR,
    1,
  ],
  ['the explicit max caps', { backendTtlMs: HOUR, explicitMaxTtlMs: 90_000 }, 90_000, 1],
  [
    'a renewal counts from now, within the max since the issue',
    { incrementMs: 2 * HOUR, nowMs: NOW + 23 * HOUR },
    HOUR,
    1,
  ],
  ['a renewal that fits is whole', { incrementMs: HOUR, nowMs: NOW + 22 * HOUR }, HOUR, 0],
  [
    'parts of a second do not count: the same second is no time',
    { incrementMs: 24 * HOUR, startMs: NOW + 10, nowMs: NOW + 990 },
    24 * HOUR,
    0,
  ],
  [
    'a period is given again, whatever was asked',
    { incrementMs: 60_000, periodMs: HOUR, nowMs: NOW + 100 * HOUR },
    HOUR,
    0,
  ],
  ['a period ends at no max', { periodMs: HOUR, nowMs: NOW + 10_000 * HOUR }, HOUR, 0],
  ['a period above the max of the mount is cut', { periodMs: 48 * HOUR }, 24 * HOUR, 1],
  [
    'an explicit max binds a period',
    { periodMs: HOUR, explicitMaxTtlMs: 2 * HOUR, nowMs: NOW + 1.5 * HOUR },
    HOUR / 2,
    1,
  ],
]

for (const [what, terms, ttlMs, warnings] of TABLE) {
  test(`a TTL is ${what}`, () => {
    const granted = grantedTtl({ ...TERMS, ...terms })
    assert.deepEqual([granted.ttlMs, granted.warnings.length], [ttlMs, warnings])
  })
}

test('past the max there is no renewal', () => {
  for (const terms of [
    { nowMs: NOW + 24 * HOUR },
    { nowMs: NOW + 25 * HOUR, incrementMs: 1000 },
    { periodMs: HOUR, explicitMaxTtlMs: HOUR, nowMs: NOW + HOUR },
  ])
    assert.throws(
      () => grantedTtl({ ...TERMS, ...terms }),
      (error) =>
        error instanceof Refusal && error.status === 400 && error.errors[0] === 'past the max TTL, cannot renew',
    )
})

test('a capped TTL is told in the words of the server', () => {
  const { warnings } = grantedTtl({ ...TERMS, incrementMs: 99_999_000, maxTtlMs: HOUR })
  assert.deepEqual(warnings, [
    'TTL of "27h46m39s" exceeded the effective max_ttl of "1h"; TTL value is capped accordingly',
  ])
})

test('durations are read and worded as the server does', () => {
  const read: readonly (readonly [string | number, number])[] = [
    [60, 60_000],
    ['60', 60_000],
    ['60s', 60_000],
    ['1h30m', 5_400_000],
    ['2d', 172_800_000],
    ['1.5h', 5_400_000],
    [1.9, 1000],
    ['', 0],
  ]
  for (const [value, ms] of read) assert.equal(durationMs(value, 'ttl'), ms, String(value))
  for (const bad of ['x', '-1', -1, '1y', 1e300, Number.NaN, `${'9'.repeat(60)}h`, '9'.repeat(200)])
    assert.throws(() => durationMs(bad, 'ttl'), Refusal, String(bad))
  const worded: readonly (readonly [number, string])[] = [
    [99_999_000, '27h46m39s'],
    [HOUR, '1h'],
    [1_800_000, '30m'],
    [15_000_000, '4h10m'],
    [90_000, '1m30s'],
    [5_000, '5s'],
    [3_605_000, '1h0m5s'],
  ]
  for (const [ms, text] of worded) assert.equal(durationText(ms), text)
})
