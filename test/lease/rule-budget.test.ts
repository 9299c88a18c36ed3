import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import type { Counted, Seat } from '../../lib/lease/budget.ts'
import { type CapReached, createRuleBudget, type RuleCap } from '../../lib/lease/rule-budget.ts'

type Cap = RuleCap

const cap = (key: string, max: number): Cap => ({ key, max })
const lease = (endsAtMs: number): Counted => ({ leftMs: (nowMs) => endsAtMs - nowMs })

function seated(admitted: Seat | CapReached<Cap> | Promise<unknown>): Seat {
  assert.ok('land' in admitted, 'there is a seat')
  return admitted
}

test('a cap lets so many leases live at once, and tells when the first of them ends', () => {
  let nowMs = 0
  const budget = createRuleBudget(() => nowMs)
  const caps = [cap('a', 2)]
  seated(budget.admit(caps)).land(lease(100), nowMs)
  seated(budget.admit(caps)).land(lease(50.5), nowMs)
  assert.deepEqual(budget.admit(caps), { reached: caps[0], retryAfterMs: 51 })
  nowMs = 51
  seated(budget.admit(caps)).leave()
  seated(budget.admit(caps)).land(lease(Infinity), nowMs)
  assert.deepEqual(budget.admit(caps), { reached: caps[0], retryAfterMs: 49 })
})

test('all caps have room, or none is taken up', () => {
  const budget = createRuleBudget(() => 0)
  const [root, a, b] = [cap('root', 2), cap('a', 1), cap('b', 5)]
  seated(budget.admit([root, a])).land(lease(9), 0)
  assert.deepEqual(budget.admit([root, a]), { reached: a, retryAfterMs: 9 })
  seated(budget.admit([root, b])).land(lease(5), 0)
  assert.deepEqual(budget.admit([root, b]), { reached: root, retryAfterMs: 5 })
  seated(budget.admit([b])).leave()
})

test('while leases under way fill a cap, the next one waits to see what becomes of them', async () => {
  const budget = createRuleBudget(() => 0)
  const caps = [cap('a', 2), cap('b', 9)]
  const [first, second] = [seated(budget.admit(caps)), seated(budget.admit(caps))]
  const waiting = [budget.admit(caps), budget.admit(caps)]
  assert.ok(waiting.every((each) => each instanceof Promise))
  first.leave()
  const third = seated(await Promise.race(waiting))
  third.land(lease(9), 0)
  second.land(lease(9), 0)
  assert.deepEqual(await waiting[1], { reached: caps[0], retryAfterMs: 9 })
})

test('a seat counts once, whatever is called of it after', () => {
  const budget = createRuleBudget(() => 0)
  const caps = [cap('a', 1)]
  const seat = seated(budget.admit(caps))
  seat.leave()
  seat.leave()
  const other = seated(budget.admit(caps))
  assert.ok(budget.admit(caps) instanceof Promise)
  other.land(lease(1), 0)
  other.leave()
  assert.deepEqual(budget.admit(caps), { reached: caps[0], retryAfterMs: 1 })
})

test('a successor has room beside its predecessor, up to twice the cap', () => {
  const budget = createRuleBudget(() => 0)
  const caps = [cap('a', 1)]
  seated(budget.admit(caps)).land(lease(9), 0)
  seated(budget.succeed(caps)).land(lease(20), 0)
  assert.deepEqual(budget.succeed(caps), { reached: caps[0], retryAfterMs: 9 })
})

test('what most likely mints nothing needs no room, and counts when it did', () => {
  const budget = createRuleBudget(() => 0)
  const caps = [cap('a', 1)]
  budget.pass(caps).land(lease(9), 0)
  budget.pass(caps).land(lease(9), 0)
  assert.ok('reached' in budget.admit(caps))
})

test('a lease that could not be ended counts to the end of what remains of it', () => {
  let nowMs = 0
  const budget = createRuleBudget(() => nowMs)
  const caps = [cap('a', 1)]
  let isOver = false
  const dead: Counted = { leftMs: () => (isOver ? 0 : 9) }
  seated(budget.admit(caps)).land(dead, 0)
  isOver = true
  budget.leaked(dead, lease(50))
  assert.deepEqual(budget.admit(caps), { reached: caps[0], retryAfterMs: 50 })
  budget.leaked(lease(70), lease(70))
  nowMs = 50
  seated(budget.admit(caps)).leave()
})

test('callers whose leases have ended are forgotten', () => {
  let nowMs = 0
  const budget = createRuleBudget(() => nowMs)
  for (let n = 0; n < 100_000; n += 1) {
    nowMs = n
    seated(budget.admit([cap(`${n}`, 5)])).land(lease(n + 100), nowMs)
    assert.ok(budget.size < 400, String(budget.size))
  }
})

test('however seats are taken, landed and left, no cap ever has more than it allows', async () => {
  const steps = fc.array(
    fc.record({
      what: fc.constantFrom('admit', 'admit', 'admit', 'land', 'leave', 'wait'),
      caps: fc.constantFrom(['root', 'a'], ['root', 'b'], ['root', 'c'], ['a'], ['root']),
      pick: fc.nat(),
    }),
    { maxLength: 80, size: 'max' },
  )
  const max: Readonly<Record<string, number>> = { root: 4, a: 1, b: 2, c: 9 }
  await fc.assert(
    fc.asyncProperty(steps, async (moves) => {
      let nowMs = 0
      const budget = createRuleBudget(() => nowMs)
      const under: { readonly seat: Seat; readonly keys: readonly string[] }[] = []
      const landed: { readonly endsAtMs: number; readonly keys: readonly string[] }[] = []
      const count = (key: string): number =>
        [...under, ...landed.filter(({ endsAtMs }) => endsAtMs > nowMs)].filter(({ keys }) => keys.includes(key)).length
      const sit = (admitted: Seat | CapReached<Cap>, keys: readonly string[]): void => {
        if ('land' in admitted) under.push({ seat: admitted, keys })
        for (const key of keys) assert.ok(count(key) <= (max[key] ?? 0), key)
      }
      for (const { what, caps, pick } of moves) {
        if (what === 'wait') nowMs += pick % 10
        else if (what === 'admit') {
          const admitted = budget.admit(caps.map((key) => cap(key, max[key] ?? 0)))
          if (admitted instanceof Promise) void admitted.then((late) => sit(late, caps))
          else sit(admitted, caps)
        } else {
          const [one] = under.splice(pick % Math.max(1, under.length), 1)
          if (one === undefined) continue
          const endsAtMs = nowMs + (pick % 20)
          if (what === 'land') landed.push({ endsAtMs, keys: one.keys })
          if (what === 'land') one.seat.land(lease(endsAtMs), nowMs)
          else one.seat.leave()
          await new Promise((resolve) => setImmediate(resolve))
        }
      }
    }),
    { numRuns: 200 },
  )
})
