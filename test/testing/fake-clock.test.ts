import assert from 'node:assert/strict'
import { test } from 'node:test'
import { FAKE_CLOCK_START_MS, FAKE_WALL_START_MS, FakeClock } from '../../lib/testing/fake-clock.ts'

test('a fake clock starts above 0 and stands still', () => {
  const clock = new FakeClock()
  assert.equal(clock.now(), FAKE_CLOCK_START_MS)
  assert.equal(clock.wallTime(), FAKE_WALL_START_MS)
  assert.ok(clock.now() > 0)
})

test('advance runs what falls due in order of time, then of setting', async () => {
  const clock = new FakeClock()
  const ran: string[] = []
  clock.after(20, () => ran.push(`c at ${clock.now() - FAKE_CLOCK_START_MS}`))
  clock.after(10, () => ran.push(`a at ${clock.now() - FAKE_CLOCK_START_MS}`))
  clock.after(10, () => ran.push('b'))
  clock.after(21, () => ran.push('d'))
  await clock.advance(20)
  assert.deepEqual(ran, ['a at 10', 'b', 'c at 20'])
  assert.equal(clock.pending, 1)
  assert.equal(clock.now(), FAKE_CLOCK_START_MS + 20)
  assert.equal(clock.wallTime(), FAKE_WALL_START_MS + 20)
})

test('advance settles promises between two timers', async () => {
  const clock = new FakeClock()
  const ran: string[] = []
  clock.after(1, () => {
    void Promise.resolve()
      .then(() => {})
      .then(() => ran.push('promise'))
  })
  clock.after(2, () => ran.push('timer'))
  await clock.advance(2)
  assert.deepEqual(ran, ['promise', 'timer'])
})

test('a timer set by a timer runs in the same advance when it falls due there', async () => {
  const clock = new FakeClock()
  const ran: number[] = []
  const again = (): void => {
    ran.push(clock.now() - FAKE_CLOCK_START_MS)
    if (ran.length < 5) clock.after(10, again)
  }
  clock.after(10, again)
  await clock.advance(30)
  assert.deepEqual(ran, [10, 20, 30])
})

test('a cancelled timer does not run and is not pending', async () => {
  const clock = new FakeClock()
  let runs = 0
  const timer = clock.after(1, () => runs++)
  timer.cancel()
  timer.cancel()
  await clock.advance(5)
  assert.equal(runs, 0)
  assert.equal(clock.pending, 0)
})

test('a delay longer than 2^31-1 ms is kept', async () => {
  const clock = new FakeClock()
  let runs = 0
  clock.after(2 ** 32, () => runs++)
  await clock.advance(2 ** 32 - 1)
  assert.equal(runs, 0)
  await clock.advance(1)
  assert.equal(runs, 1)
})

test('jumpWall moves the wall clock alone', async () => {
  const clock = new FakeClock()
  clock.after(1_000, () => assert.fail('nothing falls due'))
  clock.jumpWall(-60_000)
  assert.equal(clock.wallTime(), FAKE_WALL_START_MS - 60_000)
  assert.equal(clock.now(), FAKE_CLOCK_START_MS)
  await clock.advance(1)
  assert.equal(clock.wallTime(), FAKE_WALL_START_MS - 59_999)
})

test('after a freeze, what fell due meanwhile runs late, at the moment of waking', async () => {
  const clock = new FakeClock()
  let ranAt = 0
  clock.after(1_000, () => {
    ranAt = clock.now()
  })
  clock.freeze(5_000)
  await clock.advance(0)
  assert.equal(ranAt, FAKE_CLOCK_START_MS + 5_000)
})

test('wrong delays are refused', async () => {
  const clock = new FakeClock()
  assert.throws(() => clock.after(-1, () => {}), RangeError)
  assert.throws(() => clock.after(Number.NaN, () => {}), RangeError)
  await assert.rejects(clock.advance(-1), RangeError)
  await assert.rejects(clock.advance(Infinity), RangeError)
})
