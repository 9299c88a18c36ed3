import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGuard, type Guard, type Outcome } from '../../lib/audit/guard.ts'
import { LazyRecord } from '../../lib/audit/record.ts'
import { AuditError } from '../../lib/errors/index.ts'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import type { AuditDevice, AuditDeviceOptions } from '../../lib/ports/audit-device.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { HeldDevice, listed, stateOf } from './support.ts'

interface Bench {
  readonly guard: Guard
  readonly clock: FakeClock
  readonly outcomes: Record<Outcome, number>
  readonly failures: string[]
  /** Offers the next entry. */
  offer(phase?: 'request' | 'response'): Promise<void> | undefined
}

function bench(device: AuditDevice, options: Partial<AuditDeviceOptions> = {}): Bench {
  const clock = new FakeClock()
  const outcomes = { accepted: 0, failed: 0, dropped: 0 }
  const failures: string[] = []
  const guard = createGuard(listed(device, options), {
    clock,
    gapRecord: (gap) => new LazyRecord({ time: '', type: 'gap', instance: 'i', gap }),
    onOutcome: (outcome, count) => {
      outcomes[outcome] += count
    },
    onFailure: (why) => failures.push(why),
  })
  let sequence = 0
  const offer: Bench['offer'] = (phase = 'request') => {
    sequence += 1
    return guard.offer(new LazyRecord({ sequence, type: phase } as AuditEntry), sequence, phase)
  }
  return { guard, clock, outcomes, failures, offer }
}

const counts = ({ guard }: Bench): unknown => {
  const { accepted, failed, dropped, waiting } = guard.health()
  return { accepted, failed, dropped, waiting }
}

test('a required entry waits until the device has accepted it', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const entry = at.offer()
  await at.clock.advance(999)
  assert.equal(await stateOf(entry), 'waits')
  device.accept()
  await entry
  assert.deepEqual(counts(at), { accepted: 1, failed: 0, dropped: 0, waiting: 0 })
})

test('what is recorded in one go is one write; what comes during a write gathers into the next', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const first = [at.offer(), at.offer()]
  await at.clock.advance(0)
  const second = [at.offer(), at.offer(), at.offer()]
  await at.clock.advance(0)
  assert.deepEqual(device.writes, [[1, 2]])
  device.accept()
  await Promise.all(first)
  await at.clock.advance(0)
  assert.deepEqual(device.writes, [
    [1, 2],
    [3, 4, 5],
  ])
  device.accept()
  await Promise.all(second)
})

test('all who wait in a write share a promise, one for requests and one for responses', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const [one, two, three] = [at.offer('request'), at.offer('request'), at.offer('response')]
  assert.equal(one, two)
  assert.notEqual(one, three)
  await at.clock.advance(0)
  device.fail()
  await assert.rejects(one as Promise<void>, { phase: 'request', message: /nothing was sent/ })
  await assert.rejects(three as Promise<void>, { phase: 'response', message: /answer is withheld/ })
})

test('a failed write refuses all its entries, names device and reason, and keeps the cause', async () => {
  const device = new HeldDevice('disk')
  const at = bench(device)
  const cause = Object.assign(new Error('words of someone else'), { code: 'ENOSPC' })
  const entries = [at.offer(), at.offer()]
  await at.clock.advance(0)
  device.fail(cause)
  await assert.rejects(entries[0] as Promise<void>, (error) => {
    assert.ok(error instanceof AuditError)
    assert.equal(error.code, 'ERR_PORTCULLIS_AUDIT_FAILED')
    assert.equal(error.device, 'disk')
    assert.equal(error.cause, cause)
    assert.equal(error.message, 'audit device disk: the device failed (ENOSPC); nothing was sent')
    return true
  })
  assert.equal(await stateOf(entries[1]), 'ERR_PORTCULLIS_AUDIT_FAILED')
  assert.deepEqual(counts(at), { accepted: 0, failed: 2, dropped: 0, waiting: 0 })
})

const unable: readonly (readonly [string, AuditDevice['write']])[] = [
  ['throws', () => assert.fail('no')],
  ['rejects', () => Promise.reject(new Error('no'))],
  ['rejects with nothing', () => Promise.reject()],
]
for (const [how, write] of unable) {
  test(`a device whose write ${how} refuses the entry, and is asked again for the next`, async () => {
    const device = new HeldDevice()
    const working = device.write.bind(device)
    device.write = write as typeof device.write
    const at = bench(device)
    assert.equal(await stateOf(at.offer()), 'ERR_PORTCULLIS_AUDIT_FAILED')
    device.write = working
    const next = at.offer()
    await at.clock.advance(0)
    device.accept()
    await next
    assert.deepEqual(at.failures.length, 1)
    assert.deepEqual(at.outcomes, { accepted: 1, failed: 1, dropped: 0 })
  })
}

test('a device may answer synchronously', async () => {
  const at = bench({ name: 'sync', async open() {}, write() {}, async close() {} })
  await at.offer()
  await at.offer()
  assert.deepEqual(counts(at), { accepted: 2, failed: 0, dropped: 0, waiting: 0 })
})

test('an entry not accepted within the time limit is refused, each by its own limit', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const early = at.offer()
  await at.clock.advance(600)
  const late = at.offer()
  await at.clock.advance(399)
  assert.equal(await stateOf(early), 'waits')
  await at.clock.advance(1)
  assert.equal(await stateOf(early), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
  assert.equal(await stateOf(late), 'waits')
  await at.clock.advance(600)
  assert.equal(await stateOf(late), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
})

test('entries of one slow write are refused each by its own limit, not with the oldest', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const first = at.offer()
  await at.clock.advance(500)
  const second = at.offer()
  await at.clock.advance(400)
  const third = at.offer()
  device.accept()
  await first
  await at.clock.advance(700)
  assert.deepEqual(device.writes, [[1], [2, 3]])
  assert.equal(await stateOf(second), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
  assert.equal(await stateOf(third), 'waits')
  device.accept()
  await third
  assert.deepEqual(counts(at), { accepted: 2, failed: 1, dropped: 0, waiting: 0 })
})

test('an entry that timed out before it was handed over is never written', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const first = at.offer()
  await at.clock.advance(10)
  const second = at.offer()
  await at.clock.advance(1_000)
  assert.equal(await stateOf(first), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
  assert.equal(await stateOf(second), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
  device.accept()
  await at.clock.advance(0)
  assert.deepEqual(device.writes, [[1]])
  assert.deepEqual(counts(at), { accepted: 0, failed: 2, dropped: 0, waiting: 0 })
})

test('a stalled device refuses new entries at once, until its write has ended', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const first = at.offer()
  await at.clock.advance(1_000)
  assert.equal(await stateOf(first), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
  assert.equal(await stateOf(at.offer()), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
  device.accept()
  await at.clock.advance(0)
  const later = at.offer()
  await at.clock.advance(0)
  device.accept()
  await later
  assert.deepEqual(device.writes, [[1], [3]])
})

test('a required device whose queue is full refuses at once', async () => {
  const device = new HeldDevice()
  const at = bench(device, { queueSize: 2 })
  const held = [at.offer(), at.offer()]
  assert.equal(await stateOf(at.offer('response')), 'ERR_PORTCULLIS_AUDIT_FULL')
  device.accept()
  await Promise.all(held)
  const next = at.offer()
  await at.clock.advance(0)
  device.accept()
  await next
  assert.deepEqual(device.writes, [[1, 2], [4]])
})

test('a refused entry of a required device leaves no marker: its request did not go on', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const refusedEntry = at.offer()
  await at.clock.advance(0)
  device.fail()
  assert.equal(await stateOf(refusedEntry), 'ERR_PORTCULLIS_AUDIT_FAILED')
  const next = at.offer()
  await at.clock.advance(0)
  device.accept()
  await next
  assert.deepEqual(device.writes, [[1], [2]])
})

test('nobody waits for a best-effort device', async () => {
  const device = new HeldDevice()
  const at = bench(device, { required: false })
  assert.equal(at.offer(), undefined)
  await at.clock.advance(10_000)
  assert.deepEqual(device.writes, [[1]])
  assert.equal(at.clock.pending, 0)
})

test('what a best-effort device lost in a failed write is told by a marker before the next entry', async () => {
  const device = new HeldDevice()
  const at = bench(device, { required: false })
  void at.offer()
  void at.offer()
  await at.clock.advance(0)
  device.fail()
  await at.clock.advance(0)
  assert.deepEqual(counts(at), { accepted: 0, failed: 0, dropped: 2, waiting: 0 })
  void at.offer()
  await at.clock.advance(0)
  device.accept()
  await at.clock.advance(0)
  assert.deepEqual(device.writes, [
    [1, 2],
    ['gap 2 from 1 to 2', 3],
  ])
  assert.deepEqual(counts(at), { accepted: 1, failed: 0, dropped: 2, waiting: 0 })
})

test('a gap grows while writes fail, and its marker is lost with none of them', async () => {
  const device = new HeldDevice()
  const at = bench(device, { required: false })
  for (let round = 0; round < 3; round += 1) {
    void at.offer()
    await at.clock.advance(0)
    device.fail()
    await at.clock.advance(0)
  }
  void at.offer()
  await at.clock.advance(0)
  assert.deepEqual(device.writes.at(-1), ['gap 3 from 1 to 3', 4])
  assert.equal(at.failures.length, 1)
})

test('what a full queue lost is told in its place, without waiting for a further entry', async () => {
  const device = new HeldDevice()
  const at = bench(device, { required: false, queueSize: 3 })
  void at.offer()
  await at.clock.advance(0)
  for (let entry = 2; entry <= 5; entry += 1) void at.offer()
  device.accept()
  await at.clock.advance(0)
  device.accept()
  await at.clock.advance(0)
  assert.deepEqual(device.writes, [[1], [2, 3, 'gap 2 from 4 to 5']])
})

test('entries that come after a loss stand behind its marker', async () => {
  const device = new HeldDevice()
  const at = bench(device, { required: false, queueSize: 2 })
  void at.offer()
  await at.clock.advance(0)
  void at.offer()
  void at.offer()
  device.accept()
  await at.clock.advance(0)
  assert.deepEqual(device.writes, [[1], [2, 'gap 1 from 3 to 3']])
  void at.offer()
  device.accept()
  await at.clock.advance(0)
  assert.deepEqual(device.writes[2], [4])
})

test('an entry that comes in the very turn in which the queue got room stands behind the marker too', async () => {
  const device = new HeldDevice()
  const at = bench(device, { required: false, queueSize: 3 })
  void at.offer()
  await at.clock.advance(0)
  for (let entry = 2; entry <= 4; entry += 1) void at.offer()
  device.accept()
  await Promise.resolve()
  void at.offer()
  await at.clock.advance(0)
  assert.deepEqual(device.writes[1], [2, 3, 'gap 1 from 4 to 4', 5])
})

test('a loss with nothing behind it is told as soon as the write under way has ended', async () => {
  const device = new HeldDevice()
  const at = bench(device, { required: false, queueSize: 1 })
  void at.offer()
  await at.clock.advance(0)
  void at.offer()
  device.accept()
  await at.clock.advance(0)
  assert.deepEqual(device.writes, [[1], ['gap 1 from 2 to 2']])
})

test('while a best-effort device stalls, entries are kept up to the size of the queue', async () => {
  const device = new HeldDevice()
  const at = bench(device, { required: false })
  void at.offer()
  await at.clock.advance(60_000)
  void at.offer()
  device.accept()
  await at.clock.advance(0)
  assert.deepEqual(device.writes, [[1], [2]])
})

test('a failure is said once, and again only after the device had recovered', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const run = async (end: () => void): Promise<void> => {
    const entry = at.offer()
    await at.clock.advance(0)
    end()
    await stateOf(entry)
  }
  await run(() => device.fail())
  await run(() => device.fail())
  assert.deepEqual(at.failures, ['the device failed (ENOSPC)'])
  await run(() => device.accept())
  await run(() => device.fail(new Error('password=hunter2')))
  assert.deepEqual(at.failures, ['the device failed (ENOSPC)', 'the device failed'])
})

test('close writes what waits, closes the device once, and leaves no timer', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  const first = at.offer()
  await at.clock.advance(0)
  const second = at.offer()
  const closing = at.guard.close()
  assert.equal(at.guard.close(), closing)
  device.accept()
  await at.clock.advance(0)
  assert.equal(device.closes, 0)
  device.accept()
  assert.equal(await closing, 0)
  await Promise.all([first, second])
  assert.deepEqual(device.writes, [[1], [2]])
  assert.equal(device.closes, 1)
  assert.equal(at.clock.pending, 0)
})

test('close of a stalled device ends at its time limit, refuses who waits, and tells what was lost', async () => {
  const device = new HeldDevice()
  const at = bench(device, { timeoutMs: 1_000 })
  const entry = at.offer()
  await at.clock.advance(0)
  const queued = at.offer()
  const closing = at.guard.close()
  await at.clock.advance(1_000)
  assert.equal(await closing, 0)
  assert.equal(await stateOf(entry), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
  assert.equal(await stateOf(queued), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
  assert.equal(device.closes, 1)
  assert.equal(at.clock.pending, 0)
})

test('close does not wait for a write that everyone has given up on', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  void at.offer()
  await at.clock.advance(1_000)
  assert.equal(await at.guard.close(), 0)
  assert.equal(device.closes, 1)
  assert.equal(at.clock.pending, 0)
})

test('close of a stalled best-effort device tells how many entries it lost', async () => {
  const device = new HeldDevice()
  const at = bench(device, { required: false })
  void at.offer()
  await at.clock.advance(0)
  void at.offer()
  const closing = at.guard.close()
  await at.clock.advance(1_000)
  assert.equal(await closing, 2)
  assert.deepEqual(at.outcomes, { accepted: 0, failed: 0, dropped: 2 })
})

test('close tries to write the marker of a gap once more, and counts the gap as lost when that fails', async (t) => {
  for (const [end, lost] of [
    ['accept', 0],
    ['fail', 1],
  ] as const) {
    await t.test(end, async () => {
      const device = new HeldDevice()
      const at = bench(device, { required: false })
      void at.offer()
      await at.clock.advance(0)
      device.fail()
      await at.clock.advance(0)
      const closing = at.guard.close()
      await at.clock.advance(0)
      assert.deepEqual(device.writes, [[1], ['gap 1 from 1 to 1']])
      device[end]()
      assert.equal(await closing, lost)
    })
  }
})

test('a device whose close hangs or fails does not hold up the end', async (t) => {
  for (const close of [() => new Promise<void>(() => {}), () => Promise.reject(new Error('no'))]) {
    await t.test(String(close), async () => {
      const device = new HeldDevice()
      device.close = close
      const at = bench(device)
      const closing = at.guard.close()
      await at.clock.advance(1_000)
      assert.equal(await closing, 0)
      assert.equal(at.clock.pending, 0)
    })
  }
})

test('a closed device takes nothing', async () => {
  const device = new HeldDevice()
  const at = bench(device)
  await at.guard.close()
  assert.equal(await stateOf(at.offer()), 'ERR_PORTCULLIS_AUDIT_FAILED')
  assert.deepEqual(device.writes, [])
})

test('a refusal that nobody looks at does not end the process', async (t) => {
  const seen: unknown[] = []
  const listener = (error: unknown): void => void seen.push(error)
  process.on('unhandledRejection', listener)
  t.after(() => process.off('unhandledRejection', listener))
  const device = new HeldDevice()
  const at = bench(device)
  void at.offer()
  await at.clock.advance(0)
  device.fail()
  await at.clock.advance(0)
  assert.deepEqual(seen, [])
})

test('under a steady load a guard sets one timer a time limit, not one an entry', async () => {
  const device = new HeldDevice()
  device.write = async () => {}
  const at = bench(device)
  let set = 0
  const after = at.clock.after.bind(at.clock)
  at.clock.after = (delayMs, run) => {
    set += 1
    return after(delayMs, run)
  }
  for (let entry = 0; entry < 200; entry += 1) {
    await at.offer()
    await at.clock.advance(10)
  }
  assert.ok(set <= 3, `${set} timers`)
})
