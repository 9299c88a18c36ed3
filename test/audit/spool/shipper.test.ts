import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Batch, Shipper, type Source } from '../../../lib/audit/spool/shipper.ts'
import { FakeClock, settle } from '../../../lib/testing/fake-clock.ts'

/** Entries in memory; each `next` gives what is there. */
class MemorySource implements Source<number> {
  readonly entries: number[] = []
  failure: Error | undefined
  #given = 0

  async next(max: number): Promise<Batch<number> | undefined> {
    if (this.failure !== undefined) throw this.failure
    const entries = this.entries.slice(0, max)
    this.#given = entries.length
    return entries.length === 0 ? undefined : { entries, setAside: 0 }
  }

  async shipped(): Promise<void> {
    this.entries.splice(0, this.#given)
  }
}

interface Scene {
  readonly clock: FakeClock
  readonly source: MemorySource
  readonly shipper: Shipper<number>
  readonly sent: (readonly number[])[]
  readonly failures: unknown[]
  /** How the next sends end; then well. */
  readonly answers: (Error | 'hang')[]
  put(...entries: readonly number[]): void
}

function scene(t: TestContext, source: MemorySource = new MemorySource()): Scene {
  const clock = new FakeClock()
  const sent: (readonly number[])[] = []
  const failures: unknown[] = []
  const answers: (Error | 'hang')[] = []
  const shipper = new Shipper<number>({
    source,
    async send(entries): Promise<void> {
      sent.push(entries)
      const answer = answers.shift()
      if (answer === 'hang') await new Promise<never>(() => {})
      if (answer !== undefined) throw answer
    },
    clock,
    random: { fraction: () => 0, uuid: () => '', bytes: (length) => new Uint8Array(length) },
    delayMs: 100,
    retryMs: 1_000,
    sendTimeoutMs: 5_000,
    batchSize: 4,
    onFailure: (cause) => failures.push(cause),
  })
  t.after(() => shipper.close(0))
  const put = (...entries: readonly number[]): void => {
    source.entries.push(...entries)
    shipper.wake()
  }
  return { clock, source, shipper, sent, failures, answers, put }
}

test('entries gather for a while and go in batches, in order', async (t) => {
  const { clock, put, sent, shipper } = scene(t)
  await settle()
  put(1)
  await settle()
  put(2, 3, 4, 5, 6)
  await clock.advance(99)
  assert.deepEqual(sent, [])
  await clock.advance(1)
  assert.deepEqual(sent, [
    [1, 2, 3, 4],
    [5, 6],
  ])
  assert.deepEqual(shipper.counts(), { shipped: 6, failed: 0, setAside: 0 })
})

test('what was there before the start goes at once', async (t) => {
  const source = new MemorySource()
  source.entries.push(1, 2)
  const { sent } = scene(t, source)
  await settle()
  assert.deepEqual(sent, [[1, 2]])
})

test('who hurries does not wait for more to gather', async (t) => {
  const { put, sent, shipper } = scene(t)
  await settle()
  put(1)
  shipper.hurry()
  await settle()
  assert.deepEqual(sent, [[1]])
})

test('a failure is said once, tried again ever later, with half as many, and nothing overtakes', async (t) => {
  const { answers, clock, failures, put, sent, shipper } = scene(t)
  answers.push(new Error('1'), new Error('2'), new Error('3'))
  await settle()
  put(1, 2, 3, 4, 5)
  await clock.advance(100)
  assert.deepEqual(sent, [[1, 2, 3, 4]])
  shipper.hurry()
  await clock.advance(999)
  assert.equal(sent.length, 1)
  await clock.advance(1)
  await clock.advance(2_000)
  await clock.advance(4_000)
  assert.deepEqual(sent.slice(1), [[1, 2], [1], [1], [2, 3], [4, 5]])
  assert.deepEqual(shipper.counts(), { shipped: 5, failed: 3, setAside: 0 })
  assert.equal(failures.length, 1)
  answers.push(new Error('4'))
  put(6)
  await clock.advance(100)
  assert.equal(failures.length, 2)
})

test('who does not answer has failed, and what it answers later is nothing', async (t) => {
  const { answers, clock, failures, put, sent } = scene(t)
  answers.push('hang')
  await settle()
  put(1)
  await clock.advance(100)
  await clock.advance(5_000)
  assert.match(String(failures[0]), /has not answered for 5000 ms/)
  await clock.advance(1_000)
  assert.deepEqual(sent, [[1], [1]])
})

test('a source that cannot be read is tried again', async (t) => {
  const source = new MemorySource()
  source.failure = new Error('EIO')
  source.entries.push(1)
  const { clock, failures, sent } = scene(t, source)
  await settle()
  assert.equal(failures.length, 1)
  source.failure = undefined
  await clock.advance(1_000)
  assert.deepEqual(sent, [[1]])
})

test('close sends what waits without delay, and leaves no timer', async (t) => {
  const { clock, put, sent, shipper } = scene(t)
  await settle()
  put(1, 2, 3, 4, 5)
  await shipper.close(1_000)
  assert.deepEqual(sent, [[1, 2, 3, 4], [5]])
  assert.equal(clock.pending, 0)
})

test('close does not wait for who fails, nor longer than its limit', async (t) => {
  const failing = scene(t)
  failing.answers.push(new Error('1'))
  failing.put(1)
  await failing.shipper.close(1_000)
  assert.deepEqual([failing.sent, failing.source.entries, failing.clock.pending], [[[1]], [1], 0])

  const hanging = scene(t)
  hanging.answers.push('hang')
  hanging.put(1)
  const closing = hanging.shipper.close(1_000)
  await hanging.clock.advance(1_000)
  await closing
  await hanging.clock.advance(10_000)
  assert.deepEqual([hanging.source.entries, hanging.clock.pending], [[1], 0])
})
