import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonRow, outcomeOf } from '../bench/outcome.ts'
import type { Sample } from '../bench/row.ts'
import { tableOf } from '../bench/table.ts'

const ROW = {
  name: 'hit',
  title: 'a kept secret',
  peerName: 'its floor',
  unit: 'µs',
  goal: { relation: '<=', ratio: 1.5 },
} as const

function sample(value: number, against?: number): Sample {
  const base = { value, cpuUs: 2, p50Us: 3, p99Us: 4, rssMb: 5 }
  return against === undefined ? base : { ...base, against }
}

const ROUNDS = [
  { ours: sample(10), peer: sample(10) },
  { ours: sample(30), peer: sample(20) },
  { ours: sample(40), peer: sample(20) },
]

test('the ratio is the median of the ratios of single rounds, and the spread their extremes', () => {
  const { ours, peer, ratio, spread } = outcomeOf(ROW, ROUNDS)

  assert.deepEqual([ours.value, peer.value, ratio, spread], [30, 20, 1.5, [1, 2]])
})

test('a goal is met at its very bound', () => {
  assert.equal(outcomeOf(ROW, ROUNDS).met, true)
  assert.equal(outcomeOf({ ...ROW, goal: { relation: '>=', ratio: 1.51 } }, ROUNDS).met, false)
})

test('a row without a goal is neither met nor missed', () => {
  assert.equal(outcomeOf({ ...ROW, goal: undefined }, ROUNDS).met, undefined)
})

test('a row without a peer is compared with what its samples carry', () => {
  const { peer, ratio } = outcomeOf(ROW, [{ ours: sample(6, 4), peer: undefined }])

  assert.deepEqual([peer, ratio], [{ value: 4 }, 1.5])
})

test('a JSON row has exactly the eight fields of the format', () => {
  assert.deepEqual(jsonRow(outcomeOf(ROW, ROUNDS)), {
    name: 'hit',
    ours: 30,
    peer: 20,
    peerName: 'its floor',
    ratio: 1.5,
    unit: 'µs',
    goal: '<= 1.5',
    met: true,
  })
})

test('a row that was left out has no figures and says why', () => {
  const skipped = { row: ROW, skipped: 'no bao here' }
  const { ours, peer, ratio, met } = jsonRow(skipped)

  assert.deepEqual([ours, peer, ratio, met], [null, null, null, null])
  assert.match(tableOf([skipped]), /skipped[\s\S]*left out: no bao here/)
})

test('the table shows ours, peer, ratio, spread and goal of each row', () => {
  assert.match(tableOf([outcomeOf(ROW, ROUNDS)]), /^hit +30\.0 µs +20\.0 µs +1\.50 +1\.00\.\.2\.00 +<= 1\.5 +yes/m)
})
