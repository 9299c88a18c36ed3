import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { Heap, NOWHERE, type Placed } from '../../lib/system/heap.ts'

interface Numbered extends Placed {
  value: number
}

const isBefore = (a: Numbered, b: Numbered): boolean => a.value < b.value

function numbered(value: number): Numbered {
  return { value, place: NOWHERE }
}

function drained(heap: Heap<Numbered>): number[] {
  const values: number[] = []
  for (let first = heap.first; first !== undefined; first = heap.first) {
    heap.remove(first)
    assert.equal(first.place, NOWHERE)
    values.push(first.value)
  }
  return values
}

test('a heap gives its items in order, whatever is removed from it or moved in it', () => {
  const changes = fc.array(fc.tuple(fc.nat(50), fc.option(fc.integer())))
  fc.assert(
    fc.property(fc.array(fc.integer()), changes, (values, all) => {
      const heap = new Heap<Numbered>(isBefore)
      let kept = values.map(numbered)
      for (const item of kept) heap.add(item)
      for (const [at, value] of all) {
        const item = kept[at % kept.length]
        if (item === undefined) break
        if (value === null) {
          heap.remove(item)
          kept = kept.filter((other) => other !== item)
        } else {
          item.value = value
          heap.moved(item)
        }
      }
      assert.equal(heap.size, kept.length)
      assert.deepEqual(
        drained(heap),
        kept.map(({ value }) => value).sort((a, b) => a - b),
      )
    }),
  )
})

test('an item that lies in a heap of a million is added, moved and removed in a few comparisons', () => {
  let comparisons = 0
  const heap = new Heap<Numbered>((a, b) => {
    comparisons += 1
    return a.value < b.value
  })
  const most = (act: () => void): number => {
    comparisons = 0
    act()
    return comparisons
  }
  const count = 1_000_000
  const items: Numbered[] = []
  let worst = 0
  // Falling values are the worst order: each new item rises to the top.
  for (let value = count; value > 0; value -= 1) {
    const item = numbered(value)
    items.push(item)
    worst = Math.max(
      worst,
      most(() => heap.add(item)),
    )
  }
  for (let at = 0; at < count; at += 997) {
    const item = items[at] as Numbered
    worst = Math.max(
      worst,
      most(() => {
        item.value = count + at
        heap.moved(item)
      }),
      most(() => heap.remove(item)),
    )
  }
  assert.ok(worst <= 3 * Math.log2(count), `${worst} comparisons`)
})

test('a cleared heap is empty and has let its items go', () => {
  const heap = new Heap<Numbered>(isBefore)
  const items = [3, 1, 2].map(numbered)
  for (const item of items) heap.add(item)
  heap.clear()
  assert.equal(heap.first, undefined)
  assert.deepEqual(
    items.map(({ place }) => place),
    [NOWHERE, NOWHERE, NOWHERE],
  )
})
