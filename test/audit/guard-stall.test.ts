import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGuard, type Guard } from '../../lib/audit/guard.ts'
import { LazyRecord } from '../../lib/audit/record.ts'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { HeldDevice, listed } from './support.ts'

interface Bench {
  readonly guard: Guard
  readonly clock: FakeClock
  readonly failures: string[]
  offer(): void
}

/** A best-effort device with a time limit of 1000 ms. */
function bench(device: HeldDevice): Bench {
  const clock = new FakeClock()
  const failures: string[] = []
  const guard = createGuard(listed(device, { required: false, timeoutMs: 1_000, queueSize: 3 }), {
    clock,
    gapRecord: (gap) => new LazyRecord({ time: '', type: 'gap', instance: 'i', gap }),
    onOutcome: () => {},
    onFailure: (why) => failures.push(why),
  })
  let sequence = 0
  const offer = (): void => {
    sequence += 1
    assert.equal(
      guard.offer(new LazyRecord({ sequence, type: 'request' } as AuditEntry), sequence, 'request'),
      undefined,
    )
  }
  return { guard, clock, failures, offer }
}

test('a best-effort device that stalls is said once it is past its time limit, long before its queue is full', async () => {
  const { clock, failures, offer } = bench(new HeldDevice())
  offer()
  await clock.advance(999)
  assert.deepEqual(failures, [])
  await clock.advance(1)
  assert.deepEqual(failures, ['the device has not answered for 1000 ms'])
  offer()
  await clock.advance(5_000)
  assert.equal(failures.length, 1)
})

test('what a best-effort device accepts after its time limit is accepted, and no gap', async () => {
  const device = new HeldDevice()
  const { clock, guard, offer } = bench(device)
  offer()
  await clock.advance(5_000)
  offer()
  device.accept()
  await clock.advance(0)
  device.accept()
  await clock.advance(0)
  assert.deepEqual(device.writes, [[1], [2]])
  const { accepted, dropped, waiting } = guard.health()
  assert.deepEqual({ accepted, dropped, waiting }, { accepted: 2, dropped: 0, waiting: 0 })
})

test('a stall is said anew after the device had recovered', async () => {
  const device = new HeldDevice()
  const { clock, failures, offer } = bench(device)
  for (let i = 1; i <= 2; i++) {
    offer()
    await clock.advance(1_000)
    assert.equal(failures.length, i)
    device.accept()
    await clock.advance(0)
  }
})

test('a slow best-effort device that keeps within its time limit is not said to stall', async () => {
  const device = new HeldDevice()
  const { clock, failures, offer } = bench(device)
  offer()
  for (let i = 0; i < 10; i++) {
    await clock.advance(900)
    offer()
    device.accept()
  }
  assert.deepEqual(failures, [])
})

test('a best-effort device that is idle, or stalled and told so, keeps no timer', async () => {
  const device = new HeldDevice()
  const { clock, offer } = bench(device)
  offer()
  await clock.advance(3_000)
  assert.equal(clock.pending, 0)
  device.accept()
  await clock.advance(3_000)
  assert.equal(clock.pending, 0)
})

test('a best-effort device stalled for ever holds no more than its queue, and is closed in time', async () => {
  const device = new HeldDevice()
  const { clock, guard, offer } = bench(device)
  for (let i = 0; i < 10_000; i++) offer()
  await clock.advance(60_000)
  for (let i = 0; i < 10; i++) offer()
  const { waiting, dropped } = guard.health()
  assert.deepEqual({ waiting, dropped }, { waiting: 3, dropped: 10_007 })
  const closing = guard.close()
  await clock.advance(1_000)
  assert.equal(await closing, 10_010)
  assert.equal(device.closes, 1)
  assert.equal(clock.pending, 0)
})
