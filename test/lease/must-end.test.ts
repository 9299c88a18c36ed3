import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { isFresh } from '../../lib/lease/cache.ts'
import { Kept, type KeptFacts } from '../../lib/lease/kept.ts'
import { cacheKey } from '../../lib/lease/key.ts'
import { type LeaseFacts, nextStep } from '../../lib/lease/renewal.ts'
import { createRetirements } from '../../lib/lease/retirements.ts'
import { createCaller } from '../../lib/options/caller.ts'
import { createNormalise } from '../../lib/pipeline/normalise.ts'
import { createSchedule } from '../../lib/system/schedule.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { answerWith, grant } from '../../lib/testing/scripted-transport.ts'

const request = createNormalise({ namespace: '', namespaces: [''] })({ operation: 'read', path: 'database/creds/a' })
const START = { nowMs: 1_000, wallMs: 5_000 }
const after = (nowMs: number, wallMs = nowMs) => ({ nowMs: 1_000 + nowMs, wallMs: 5_000 + wallMs })

function kept(more: Partial<KeptFacts> = {}, answer = grant({ ttlMs: 3_600_000, leaseId: 'db/1' })): Kept {
  const facts = { request, key: 'key', sentAt: START, livesMs: 3_600_000, fate: undefined, maxTtlMs: 3_000 }
  return new Kept(answer, { ...facts, ...more })
}

test('the true end is the earliest of its own, that of its token and the one that a rule sets', () => {
  fc.assert(
    fc.property(fc.nat(100), fc.nat(100), fc.nat(100), fc.nat(120), (livesMs, tokenMs, maxTtlMs, ageMs) => {
      const lease = kept({ livesMs, maxTtlMs, fate: { isDead: false, endsAtMs: START.nowMs + tokenMs } })
      assert.equal(lease.ttlMs(after(ageMs)), Math.min(livesMs, tokenMs, maxTtlMs) - ageMs)
      assert.equal(lease.lastsMs(START.nowMs + ageMs), Math.min(livesMs, tokenMs, maxTtlMs) - ageMs)
      assert.equal(lease.leftMs(START.nowMs + ageMs), Math.min(livesMs, tokenMs) - ageMs, 'the server knows no rules')
    }),
  )
})

test('the end that a rule sets counts from the issue, whatever renewals and look-ups grant, and by the clock that went further', () => {
  const lease = kept()
  lease.extend(after(2_000), 3_600_000)
  assert.equal(lease.ttlMs(after(2_500)), 500)
  assert.equal(lease.ttlMs(after(100, 2_900)), 100)
  assert.equal(isFresh(lease, undefined, after(2_999)), true)
  for (const at of [after(3_000), after(3_000, -9_000), after(10, 3_000)]) {
    assert.equal(isFresh(lease, undefined, at), false)
    assert.equal(lease.isDoubtful(at), false, 'no look-up could settle it')
    assert.equal(lease.isOver(at), true)
  }
})

test('what a rule ended lives on at the server, and is to be given back; what is dead or has run out is not', () => {
  const ended = kept()
  ended.lapse()
  assert.deepEqual([ended.hasEnded, ended.isAtServer(START.nowMs + 3_000)], [true, true])
  assert.deepEqual([ended.ttlMs(after(1)), ended.lastsMs(1_001), ended.isDoubtful(after(1))], [0, 0, false])
  assert.equal(ended.leftMs(1_001), 3_599_999, 'it counts until it is given back')
  ended.end()
  assert.equal(ended.isAtServer(START.nowMs + 3_000), false)
  const ranOut = kept({ livesMs: 3_000, maxTtlMs: 9_000 })
  ranOut.lapse()
  assert.equal(ranOut.isAtServer(START.nowMs + 3_000), false)
  const unbounded = kept({ maxTtlMs: Infinity })
  unbounded.lapse()
  assert.equal(unbounded.isAtServer(START.nowMs + 3_000), false)
})

test('an end is moved forward only, and not for what cannot be had anew', () => {
  const lease = kept()
  assert.deepEqual([lease.bound(3_000), lease.bound(9_000), lease.bound(2_000)], [false, false, true])
  assert.equal(lease.mustEndAtMs, 3_000)
  assert.equal(kept({ maxTtlMs: Infinity }).bound(Infinity), false)
  for (const kind of ['static-role', 'none'] as const) {
    const fixed = kept({ kind, maxTtlMs: Infinity }, answerWith())
    assert.deepEqual([fixed.bound(1_000), fixed.mustEndAtMs], [false, Infinity])
  }
})

const FACTS: LeaseFacts = { issuedAtMs: 0, ttlMs: 90_000, renewable: true, maxEndsAtMs: Infinity }

for (const [what, facts, nowMs, kind, atMs] of [
  ['a lease that a rule ends long before its own end is rotated before', { mustEndAtMs: 3_000 }, 0, 'rotate', 2_000],
  ['one whose own end comes first is renewed', { mustEndAtMs: 200_000 }, 0, 'renew', 60_000],
  ['one that could gain less than a second is rotated', { mustEndAtMs: 90_999 }, 0, 'rotate', 81_000],
  ['one that could gain a second is renewed', { mustEndAtMs: 91_000 }, 0, 'renew', 60_000],
  ['at that end there is nothing to be done', { mustEndAtMs: 3_000 }, 3_000, 'end', 3_000],
  ['a lease without end is rotated before it', { ttlMs: Infinity, mustEndAtMs: 100_000 }, 0, 'rotate', 90_000],
  ['so is a certificate', { kind: 'certificate', renewable: false, mustEndAtMs: 10_000 }, 0, 'rotate', 9_000],
] as const) {
  test(what, () => assert.deepEqual(nextStep({ ...FACTS, ...facts }, nowMs, 0), { kind, atMs }))
}

test('callers whose rules let them have a lease for different times have leases of their own; others share theirs', () => {
  const caller = createCaller({})
  const key = (maxTtlMs?: number) => cacheKey(request, caller, 'gateway', '', maxTtlMs)
  assert.equal(key(), key(Infinity))
  assert.equal(key(3_000), key(3_000))
  assert.equal(new Set([key(), key(3_000), key(4_000), cacheKey(request, caller, 'gateway', '3000')]).size, 4)
})

test('leases are retired at their moment, at a new one, or when that is closed; forgotten ones are not', async () => {
  const clock = new FakeClock()
  const retirements = createRetirements(createSchedule(clock, { onError: () => assert.fail() }))
  const retired: string[] = []
  const leases = Object.fromEntries(['a', 'b', 'c', 'd'].map((name) => [name, { name }]))
  const put = (name: string, inMs: number): void =>
    retirements.put(leases[name] ?? {}, clock.now() + inMs, async () => void retired.push(name))
  put('a', 100)
  put('b', 200)
  put('c', 300)
  put('d', 400)
  put('b', 50)
  retirements.forget(leases.c ?? {})
  await clock.advance(51)
  assert.deepEqual(retired, ['b'])
  await clock.advance(300)
  assert.deepEqual(retired, ['b', 'a'])
  await retirements.close()
  assert.deepEqual(retired, ['b', 'a', 'd'])
  await clock.advance(1_000)
  assert.deepEqual(retired, ['b', 'a', 'd'])
})
