import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { Timer } from '../../lib/ports/clock.ts'
import type { Schedule, Scheduled } from '../../lib/ports/schedule.ts'
import { createSchedule } from '../../lib/system/schedule.ts'
import { FakeClock, FAKE_CLOCK_START_MS as START } from '../../lib/testing/fake-clock.ts'

class CountingClock extends FakeClock {
  timers = 0

  override after(delayMs: number, run: () => void): Timer {
    this.timers += 1
    return super.after(delayMs, run)
  }
}

interface Scene {
  readonly clock: CountingClock
  readonly schedule: Schedule
  readonly ran: string[]
  readonly errors: unknown[]
  /** Puts a call in that notes its name. */
  readonly note: (name: string, dueMs: number) => Scheduled
}

function scene(t: TestContext): Scene {
  const clock = new CountingClock()
  const errors: unknown[] = []
  const ran: string[] = []
  const schedule = createSchedule(clock, { onError: (error) => errors.push(error) })
  t.after(() => {
    schedule.close()
    assert.equal(clock.pending, 0)
  })
  return { clock, schedule, ran, errors, note: (name, dueMs) => schedule.at(dueMs, () => ran.push(name)) }
}

test('calls run at their moment, in order of moment and then of insertion', async (t) => {
  const { clock, ran, note } = scene(t)
  note('b', START + 20)
  note('c', START + 20)
  note('a', START + 10)
  await clock.advance(9)
  assert.deepEqual(ran, [])
  await clock.advance(1)
  assert.deepEqual(ran, ['a'])
  await clock.advance(10)
  assert.deepEqual(ran, ['a', 'b', 'c'])
})

test('there is one timer, set anew only for an earlier moment', async (t) => {
  const { clock, schedule, note } = scene(t)
  for (let i = 0; i < 1_000; i += 1) note('late', START + 1_000 + i)
  assert.equal(clock.timers, 1)
  const first = note('early', START + 500)
  assert.equal(clock.timers, 2)
  first.reschedule(START + 5_000)
  assert.equal(clock.timers, 2)
  assert.equal(clock.pending, 1)
  await clock.advance(500)
  assert.equal(clock.timers, 3)
  await clock.advance(4_500)
  assert.equal(schedule.size, 0)
  assert.equal(clock.pending, 0)
})

test('a moment in the past is due at once, but not within the call that puts it in', async (t) => {
  const { clock, ran, note } = scene(t)
  note('past', START - 1)
  note('before all', Number.NEGATIVE_INFINITY)
  assert.deepEqual(ran, [])
  await clock.advance(0)
  assert.deepEqual(ran, ['before all', 'past'])
})

test('a call at Infinity waits, and never runs', async (t) => {
  const { clock, schedule, ran, note } = scene(t)
  note('never', Infinity)
  assert.equal(schedule.size, 1)
  assert.equal(clock.pending, 0)
  await clock.advance(1e15)
  assert.deepEqual(ran, [])
})

test('waits far longer than one timer of Node are kept', async (t) => {
  const { clock, ran, note } = scene(t)
  note('in 400 days', START + 400 * 86_400_000)
  await clock.advance(400 * 86_400_000 - 1)
  assert.deepEqual(ran, [])
  await clock.advance(1)
  assert.deepEqual(ran, ['in 400 days'])
})

test('a timer that comes a little early is followed by another, and the call runs once', async (t) => {
  const early: number[] = [START + 9.75, START + 9.9]
  class EarlyClock extends FakeClock {
    override after(delayMs: number, run: () => void): Timer {
      return super.after(Math.min(delayMs, (early.shift() ?? Infinity) - this.now()), run)
    }
  }
  const clock = new EarlyClock()
  const ranAt: number[] = []
  const schedule = createSchedule(clock, { onError: (error) => assert.fail(String(error)) })
  t.after(() => schedule.close())
  schedule.at(START + 10, () => ranAt.push(clock.now()))
  await clock.advance(20)
  assert.deepEqual(ranAt, [START + 10])
  assert.deepEqual(early, [])
})

test('a frozen process runs all that has become due, in order, by one timer', async (t) => {
  const { clock, ran, note } = scene(t)
  for (const delayMs of [30, 10, 20, 90]) note(`${delayMs}`, START + delayMs)
  clock.freeze(50)
  await clock.advance(0)
  assert.deepEqual(ran, ['10', '20', '30'])
  await clock.advance(40)
  assert.deepEqual(ran, ['10', '20', '30', '90'])
})

test('a cancelled call does not run, and cancelling twice or late does nothing', async (t) => {
  const { clock, schedule, ran, note } = scene(t)
  const [a, b] = [note('a', START + 10), note('b', START + 10)]
  a.cancel()
  a.cancel()
  assert.equal(schedule.size, 1)
  await clock.advance(10)
  b.cancel()
  assert.deepEqual(ran, ['b'])
})

test('without calls there is no timer', (t) => {
  const { clock, note } = scene(t)
  note('a', START + 10).cancel()
  assert.equal(clock.pending, 0)
})

test('a call can cancel or move another that is due together with it', async (t) => {
  const { clock, schedule, ran, note } = scene(t)
  schedule.at(START + 10, () => {
    cancelled.cancel()
    moved.reschedule(START + 20)
  })
  const cancelled = note('cancelled', START + 10)
  const moved = note('moved', START + 10)
  await clock.advance(10)
  assert.deepEqual(ran, [])
  await clock.advance(10)
  assert.deepEqual(ran, ['moved'])
})

test('a call that puts itself in anew, due at once, lets the others and the event loop go on', async (t) => {
  const { clock, schedule, ran, note } = scene(t)
  let runs = 0
  const again: Scheduled = schedule.at(START, () => {
    runs += 1
    if (runs < 100) again.reschedule(START)
  })
  note('other', START)
  const timers = clock.timers
  await clock.advance(0)
  assert.equal(runs, 100)
  assert.deepEqual(ran, ['other'])
  assert.equal(clock.timers - timers, 99)
})

test('a call that is moved to the moment of others runs after them', async (t) => {
  const { clock, ran, note } = scene(t)
  const moved = note('moved', START + 5)
  note('there before', START + 10)
  moved.reschedule(START + 10)
  await clock.advance(10)
  assert.deepEqual(ran, ['there before', 'moved'])
})

test('one that has run or was cancelled can be put in anew', async (t) => {
  const { clock, ran, note } = scene(t)
  const call = note('call', START + 10)
  await clock.advance(10)
  call.reschedule(START + 20)
  await clock.advance(10)
  call.reschedule(START + 30)
  call.cancel()
  call.reschedule(START + 40)
  await clock.advance(10)
  assert.deepEqual(ran, ['call', 'call'])
  await clock.advance(10)
  assert.deepEqual(ran, ['call', 'call', 'call'])
})

test('a call that throws does not stop the others, and its error is told', async (t) => {
  const { clock, schedule, ran, errors, note } = scene(t)
  const failure = new Error('no')
  schedule.at(START, () => {
    throw failure
  })
  note('next', START)
  note('later', START + 5)
  await clock.advance(5)
  assert.deepEqual(errors, [failure])
  assert.deepEqual(ran, ['next', 'later'])
})

test('a listener of errors that throws does not stop the others either', async (t) => {
  const clock = new FakeClock()
  const fail = (): never => {
    throw new Error('no')
  }
  const schedule = createSchedule(clock, { onError: fail })
  t.after(() => schedule.close())
  let ran = 0
  schedule.at(START, fail)
  schedule.at(START, () => {
    ran += 1
  })
  await clock.advance(0)
  assert.equal(ran, 1)
})

test('a closed schedule runs nothing, not even what is due together with who closes it', async (t) => {
  const { clock, schedule, ran, note } = scene(t)
  schedule.at(START, () => schedule.close())
  const due = note('due', START)
  note('later', START + 10)
  await clock.advance(0)
  due.reschedule(START + 1)
  note('afterwards', START + 1)
  schedule.close()
  assert.equal(schedule.size, 0)
  assert.equal(clock.pending, 0)
  await clock.advance(100)
  assert.deepEqual(ran, [])
})

test('a moment that is no number is refused', (t) => {
  const { schedule, note } = scene(t)
  assert.throws(() => note('a', Number.NaN), { name: 'RangeError', message: 'dueMs must be a number, got NaN' })
  const call = note('b', Infinity)
  assert.throws(() => call.reschedule(Number.NaN), RangeError)
  assert.equal(schedule.size, 1)
})

type Step =
  | { readonly do: 'at'; readonly delayMs: number }
  | { readonly do: 'cancel'; readonly which: number; readonly delayMs: number }
  | { readonly do: 'move'; readonly which: number; readonly delayMs: number }
  | { readonly do: 'advance' | 'freeze'; readonly delayMs: number }

const delays = fc.oneof(fc.integer({ min: -5, max: 40 }), fc.constant(Infinity))
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ do: fc.constant('at' as const), delayMs: delays }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant('cancel' as const), which: fc.nat(30), delayMs: delays }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constant('move' as const), which: fc.nat(30), delayMs: delays }) },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constantFrom('advance' as const, 'freeze' as const), delayMs: fc.nat(20) }),
  },
)

/** What a schedule should do, as a list that is sorted each time. */
class NaiveSchedule {
  ran: number[] = []
  #waiting: { readonly id: number; readonly dueMs: number; readonly order: number }[] = []
  #order = 0

  get size(): number {
    return this.#waiting.length
  }

  put(id: number, dueMs: number): void {
    this.cancel(id)
    this.#waiting.push({ id, dueMs, order: this.#order++ })
  }

  cancel(id: number): void {
    this.#waiting = this.#waiting.filter((other) => other.id !== id)
  }

  runUntil(nowMs: number): void {
    const due = this.#waiting.filter(({ dueMs }) => dueMs <= nowMs)
    for (const { id } of due.sort((a, b) => a.dueMs - b.dueMs || a.order - b.order)) {
      this.cancel(id)
      this.ran.push(id)
    }
  }
}

test('a schedule does what a sorted list does', async () => {
  const property = fc.asyncProperty(fc.array(steps, { maxLength: 25 }), async (all) => {
    const clock = new FakeClock()
    const naive = new NaiveSchedule()
    const ran: number[] = []
    const schedule = createSchedule(clock, { onError: (error) => assert.fail(String(error)) })
    const calls: Scheduled[] = []
    for (const step of [...all, { do: 'advance', delayMs: 100 } as const]) {
      const dueMs = clock.now() + step.delayMs
      if (step.do === 'at') {
        const id = calls.length
        naive.put(id, dueMs)
        calls.push(schedule.at(dueMs, () => ran.push(id)))
      } else if (step.do === 'freeze') clock.freeze(step.delayMs)
      else if (step.do === 'advance') {
        // What is late after a freeze runs before time goes on.
        naive.runUntil(clock.now())
        await clock.advance(step.delayMs)
        naive.runUntil(clock.now())
      } else if ('which' in step && calls.length > 0) {
        const id = step.which % calls.length
        if (step.do === 'cancel') naive.cancel(id)
        else naive.put(id, dueMs)
        if (step.do === 'cancel') calls[id]?.cancel()
        else calls[id]?.reschedule(dueMs)
      }
      assert.equal(schedule.size, naive.size)
    }
    assert.deepEqual(ran, naive.ran)
    schedule.close()
    assert.equal(clock.pending, 0)
  })
  await fc.assert(property)
})
