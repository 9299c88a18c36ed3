import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBudget, type Seat } from '../../lib/lease/budget.ts'

const until = (endMs: number): { leftMs(nowMs: number): number } => ({ leftMs: (nowMs) => endMs - nowMs })

function seat(taken: Seat | Promise<Seat>): Seat {
  assert.ok('land' in taken, 'it has to wait')
  return taken
}

test('a path is full when that many leases live on it, whatever they were asked with; another path is not', () => {
  const budget = createBudget({ maxPerPath: 2, max: 10 })
  for (let i = 0; i < 2; i += 1) seat(budget.admit('', 'pki/issue/web', 0)).land(until(100), 0)
  assert.throws(() => budget.admit('', 'pki/issue/web', 0), { code: 'ERR_PORTCULLIS_LEASE_BUDGET' })
  seat(budget.admit('', 'database/creds/web', 0)).land(until(100), 0)
  seat(budget.admit('team-a', 'pki/issue/web', 0)).land(until(100), 0)
  assert.equal(budget.size, 4)
})

test('what has ended makes room', () => {
  const budget = createBudget({ maxPerPath: 1, max: 1 })
  seat(budget.admit('', 'a', 0)).land(until(100), 0)
  assert.throws(() => budget.admit('', 'b', 99), { code: 'ERR_PORTCULLIS_LEASE_BUDGET' })
  seat(budget.admit('', 'b', 100)).land(until(200), 100)
  assert.equal(budget.size, 1)
})

test('while others are under way the next one waits, and is let in or refused by what becomes of them', async () => {
  const budget = createBudget({ maxPerPath: 2, max: 10 })
  const [first, second] = [seat(budget.admit('', 'a', 0)), seat(budget.admit('', 'a', 0))]
  const waiting = [budget.admit('', 'a', 0), budget.admit('', 'a', 0)]
  const settled = Promise.allSettled(waiting)
  first.leave()
  second.land(until(100), 0)
  ;(await waiting[0])?.land(until(100), 0)
  assert.deepEqual(
    (await settled).map(({ status }) => status),
    ['fulfilled', 'rejected'],
  )
})

test('the successor of a lease that lives is let in when the path is full', () => {
  const budget = createBudget({ maxPerPath: 1, max: 1 })
  seat(budget.admit('', 'a', 0)).land(until(100), 0)
  budget.succeed('', 'a', 100).land(until(200), 100)
  assert.throws(() => budget.admit('', 'a', 150), { code: 'ERR_PORTCULLIS_LEASE_BUDGET' })
})

test('a path that grows without a cap forgets what has ended', () => {
  const budget = createBudget({ maxPerPath: Infinity, max: Infinity })
  for (let nowMs = 0; nowMs < 1_000; nowMs += 1) seat(budget.admit('', 'a', nowMs)).land(until(nowMs + 1), nowMs)
  assert.ok(budget.size <= 32, `${budget.size} are remembered`)
})

test('successors are refused where their predecessors pile up; what leaked counts to its end', () => {
  const budget = createBudget({ maxPerPath: 2, max: 10 })
  for (let i = 0; i < 2; i += 1) seat(budget.admit('', 'a', 0)).land(until(0), 0)
  for (let i = 0; i < 4; i += 1) {
    budget.succeed('', 'a', 10).leave()
    budget.leaked('', 'a', until(100), 10)
  }
  assert.throws(() => budget.succeed('', 'a', 10), { code: 'ERR_PORTCULLIS_LEASE_BUDGET' })
  budget.succeed('', 'b', 10).leave()
  budget.succeed('', 'a', 100).leave()
})
