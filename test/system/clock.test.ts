import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { systemClock } from '../../lib/system/clock.ts'

const MAX_WAIT_MS = 2 ** 31 - 1

/** A setTimeout that only notes what it is asked, and a monotonic clock that is moved by hand. */
function fakeTimeouts(t: TestContext): {
  readonly waits: number[]
  pass(ms: number): void
  readonly cleared: () => number
} {
  const waits: number[] = []
  let run: (() => void) | undefined
  let now = 5_000
  let cleared = 0
  const timeout = { unref: (): void => {} }
  const setTimeoutFake = (callback: () => void, ms: number): unknown => {
    waits.push(ms)
    run = callback
    return timeout
  }
  t.mock.method(globalThis, 'setTimeout', setTimeoutFake as never)
  t.mock.method(globalThis, 'clearTimeout', () => {
    cleared += 1
    run = undefined
  })
  t.mock.method(performance, 'now', () => now)
  return {
    waits,
    cleared: () => cleared,
    pass(ms): void {
      now += ms
      const due = run
      run = undefined
      due?.()
    },
  }
}

test('the monotonic clock starts above 0 and never goes back', () => {
  let last = 0
  for (let i = 0; i < 1000; i++) {
    const now = systemClock.now()
    assert.ok(now >= last)
    last = now
  }
  assert.ok(last > 1000)
})

test('the wall clock counts milliseconds since 1970', () => {
  assert.ok(Math.abs(systemClock.wallTime() - Date.now()) < 1000)
})

test('a wait longer than a timer of Node can be is split, and runs once at its end', (t) => {
  const timeouts = fakeTimeouts(t)
  let runs = 0
  systemClock.after(MAX_WAIT_MS * 2 + 10, () => runs++)
  for (const wait of [MAX_WAIT_MS, MAX_WAIT_MS, 10]) {
    assert.equal(runs, 0)
    assert.equal(timeouts.waits.at(-1), wait)
    timeouts.pass(wait)
  }
  assert.equal(runs, 1)
  assert.equal(timeouts.waits.length, 3)
})

test('a timer that fires early is waited out', (t) => {
  const timeouts = fakeTimeouts(t)
  let runs = 0
  systemClock.after(100, () => runs++)
  timeouts.pass(99.5)
  assert.equal(runs, 0)
  timeouts.pass(1)
  assert.equal(runs, 1)
})

test('a cancelled wait does not run, also when it was split', (t) => {
  const timeouts = fakeTimeouts(t)
  let runs = 0
  const timer = systemClock.after(MAX_WAIT_MS + 10, () => runs++)
  timeouts.pass(MAX_WAIT_MS)
  timer.cancel()
  timeouts.pass(10)
  assert.equal(runs, 0)
  assert.equal(timeouts.cleared(), 1)
})

test('a wait without end sets no timer', (t) => {
  const timeouts = fakeTimeouts(t)
  systemClock.after(Infinity, () => assert.fail('it ran')).cancel()
  assert.deepEqual(timeouts.waits, [])
})

test('a wait that is no number is refused, since a timer would fire at once', () => {
  assert.throws(() => systemClock.after(Number.NaN, () => {}), { name: 'RangeError', message: /got NaN/ })
})

test('a wait of 0 runs, but not before it has been returned', async () => {
  const order: string[] = []
  // A wait of the clock alone would not keep the process alive.
  const alive = setTimeout(() => {}, 5_000)
  const { promise, resolve } = Promise.withResolvers<void>()
  systemClock.after(0, () => {
    order.push('run')
    resolve()
  })
  order.push('returned')
  await promise
  clearTimeout(alive)
  assert.deepEqual(order, ['returned', 'run'])
})

test('a wait does not keep the process alive', async () => {
  const url = new URL('../../lib/system/clock.ts', import.meta.url).href
  const script = `import { systemClock } from ${JSON.stringify(url)}; systemClock.after(60_000, () => {})`
  await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { timeout: 20_000 })
})
