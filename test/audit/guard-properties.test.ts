import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Audit, createAudit } from '../../lib/audit/audit.ts'
import type { AuditEntry, AuditGap } from '../../lib/model/audit-entry.ts'
import type { DeviceHealth } from '../../lib/model/gateway.ts'
import type { AuditDevice, AuditRecord } from '../../lib/ports/audit-device.ts'
import { NO_DIAGNOSTICS } from '../../lib/ports/diagnostics.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { FakeClock, settle } from '../../lib/testing/fake-clock.ts'
import { assertEntry } from '../support/entry-schema.ts'
import { DRAFT, HASHER } from './support.ts'

const TIMEOUT_MS = 100
const QUEUE_SIZE = 4

type Mode = 'hold' | 'accept' | 'throw'

interface Write {
  readonly entries: readonly (AuditEntry | AuditGap)[]
  outcome: 'under way' | 'accepted' | 'failed'
}

/** A device that holds its writes, or answers at once, as it is told. */
class MoodyDevice implements AuditDevice {
  readonly name = 'moody'
  readonly writes: Write[] = []
  mode: Mode = 'hold'
  closes = 0
  #end: ((accepts: boolean) => void) | undefined

  async open(): Promise<void> {}

  write(records: readonly AuditRecord[]): Promise<void> | void {
    assert.equal(this.#end, undefined, 'one write at a time')
    assert.equal(this.closes, 0, 'nothing after close')
    const write: Write = { entries: records.map(({ entry }) => entry), outcome: 'under way' }
    this.writes.push(write)
    if (this.mode === 'accept') {
      write.outcome = 'accepted'
      return
    }
    if (this.mode === 'throw') {
      write.outcome = 'failed'
      throw new Error('moody')
    }
    return new Promise((resolve, reject) => {
      this.#end = (accepts) => {
        this.#end = undefined
        write.outcome = accepts ? 'accepted' : 'failed'
        if (accepts) resolve()
        else reject(new Error('moody'))
      }
    })
  }

  async close(): Promise<void> {
    this.closes += 1
  }

  end(accepts: boolean): void {
    this.#end?.(accepts)
  }

  /** Entries in writes that ended so. */
  sequences(...outcomes: readonly Write['outcome'][]): readonly number[] {
    const writes = this.writes.filter(({ outcome }) => outcomes.includes(outcome))
    return writes.flatMap(({ entries }) => entries.flatMap((entry) => (entry.type === 'gap' ? [] : [entry.sequence])))
  }

  /** What was accepted. */
  log(): readonly (AuditEntry | AuditGap)[] {
    return this.writes.filter(({ outcome }) => outcome === 'accepted').flatMap(({ entries }) => entries)
  }

  /** Markers that were accepted. */
  gaps(): readonly AuditGap['gap'][] {
    return this.log().flatMap((entry) => (entry.type === 'gap' ? [entry.gap] : []))
  }
}

type Step =
  | { readonly does: 'offer'; readonly count: number }
  | { readonly does: 'end'; readonly accepts: boolean }
  | { readonly does: 'advance'; readonly ms: number }
  | { readonly does: 'mode'; readonly mode: Mode }

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ does: fc.constant('offer' as const), count: fc.integer({ min: 1, max: 6 }) }) },
  { weight: 3, arbitrary: fc.record({ does: fc.constant('end' as const), accepts: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ does: fc.constant('advance' as const), ms: fc.integer({ min: 1, max: 150 }) }) },
  {
    weight: 1,
    arbitrary: fc.record({
      does: fc.constant('mode' as const),
      mode: fc.constantFrom<Mode>('hold', 'accept', 'throw'),
    }),
  },
)

/** One run of steps against a device, and what came of each entry. */
class Run {
  readonly device = new MoodyDevice()
  readonly clock = new FakeClock()
  /** By sequence, from 1: what its waiter was told. */
  readonly told: ('waits' | 'accepted' | string)[] = []
  readonly #required: boolean
  #audit: Audit | undefined

  constructor(required: boolean) {
    this.#required = required
  }

  get audit(): Audit {
    assert.ok(this.#audit)
    return this.#audit
  }

  get health(): DeviceHealth {
    const [health] = this.audit.counters()
    assert.ok(health)
    return health
  }

  async start(): Promise<void> {
    const device = { device: this.device, required: this.#required, timeoutMs: TIMEOUT_MS, queueSize: QUEUE_SIZE }
    this.#audit = await createAudit({
      devices: [device],
      hasher: HASHER,
      clock: this.clock,
      instance: 'i',
      telemetry: NO_TELEMETRY,
      diagnostics: NO_DIAGNOSTICS,
    })
  }

  async take(step: Step): Promise<void> {
    if (step.does === 'offer') for (let i = 0; i < step.count; i++) this.#offer()
    else if (step.does === 'end') this.device.end(step.accepts)
    else if (step.does === 'mode') this.device.mode = step.mode
    else await this.clock.advance(step.ms)
    await settle()
  }

  #offer(): void {
    const index = this.told.push('waits') - 1
    const waiting = this.audit.record({ ...DRAFT, type: index % 2 === 0 ? 'request' : 'response' })
    assert.equal(waiting === undefined, !this.#required, 'only a required device is waited for')
    waiting?.then(
      () => {
        this.told[index] = 'accepted'
      },
      (error: { readonly code: string }) => {
        this.told[index] = error.code
      },
    )
  }

  /** What holds at every moment. */
  check(): void {
    const { accepted, failed, dropped, waiting } = this.health
    const handed = this.device.sequences('under way', 'accepted', 'failed')
    assert.ok(waiting <= QUEUE_SIZE, `${waiting} wait`)
    assert.deepEqual(
      [...handed],
      [...new Set(handed)].sort((a, b) => a - b),
      'in order, none twice',
    )
    const certain = this.device.sequences('accepted')
    for (const [index, outcome] of this.told.entries())
      if (outcome === 'accepted') assert.ok(certain.includes(index + 1), `${index + 1} was reported and not written`)
    for (const { entries } of this.device.writes) for (const entry of entries) assertEntry(entry)
    assert.ok(accepted + failed + dropped <= this.told.length, 'nothing is counted twice')
    assert.ok(accepted + failed + dropped + waiting >= this.told.length, 'nothing is forgotten')
    assert.ok(this.#required ? dropped === 0 : failed === 0)
  }

  async close(): Promise<void> {
    const closing = this.audit.close()
    await this.clock.advance(3 * TIMEOUT_MS)
    await closing
  }

  /** What holds once it has been closed. */
  checkEnd(): void {
    const { accepted, failed, dropped } = this.health
    assert.equal(accepted + failed + dropped, this.told.length, 'each entry is counted once')
    assert.equal(this.device.closes, 1)
    assert.equal(this.clock.pending, 0, 'no timer is left')
    if (this.#required) assert.ok(!this.told.includes('waits'), 'nobody waits for ever')
  }
}

const steps = fc.array(step, { minLength: 1, maxLength: 25 })

test('a required device: whatever happens, each entry ends once, and what is reported was written', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const run = new Run(true)
      await run.start()
      for (const step of script) {
        await run.take(step)
        run.check()
      }
      await run.clock.advance(TIMEOUT_MS)
      assert.ok(!run.told.includes('waits'), 'the time limit ends every wait')
      await run.close()
      run.check()
      run.checkEnd()
      assert.deepEqual(run.device.gaps(), [], 'a required device has no gaps')
    }),
    { numRuns: 150 },
  )
})

test('a required device: an entry refused before it was handed over is never written', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const run = new Run(true)
      await run.start()
      const never = new Set<number>()
      for (const step of script) {
        await run.take(step)
        const handed = run.device.sequences('under way', 'accepted', 'failed')
        for (const [index, outcome] of run.told.entries())
          if (outcome !== 'waits' && outcome !== 'accepted' && !handed.includes(index + 1)) never.add(index + 1)
        for (const sequence of handed) assert.ok(!never.has(sequence), `${sequence} was refused and is written`)
      }
      await run.close()
    }),
    { numRuns: 100 },
  )
})

test('a best-effort device: the markers tell each loss once, with count and range, in its place', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const run = new Run(false)
      await run.start()
      for (const step of script) {
        await run.take(step)
        run.check()
      }
      // It recovers: all that was lost is told.
      run.device.mode = 'accept'
      run.device.end(true)
      await run.take({ does: 'offer', count: 1 })
      await run.take({ does: 'offer', count: 1 })
      await run.close()
      run.check()
      run.checkEnd()
      const written = new Set(run.device.sequences('accepted'))
      const lost = run.told.map((_, index) => index + 1).filter((sequence) => !written.has(sequence))
      const gaps = run.device.gaps()
      assert.equal(
        gaps.reduce((sum, { count }) => sum + count, 0),
        lost.length,
      )
      assert.equal(run.health.dropped, lost.length)
      let untold = lost
      for (const { count, from_sequence: from, to_sequence: to } of gaps) {
        const covered = untold.filter((sequence) => sequence >= from && sequence <= to)
        assert.deepEqual([covered.length, covered[0], covered.at(-1)], [count, from, to])
        untold = untold.filter((sequence) => sequence > to)
      }
      assert.deepEqual(untold, [])
      assertInPlace(run.device.log())
    }),
    { numRuns: 150 },
  )
})

/** A marker stands behind all that came before the first loss, and before all that came after it. */
function assertInPlace(log: readonly (AuditEntry | AuditGap)[]): void {
  for (const [place, marker] of log.entries()) {
    if (marker.type !== 'gap') continue
    const from = marker.gap.from_sequence
    for (const [index, entry] of log.entries())
      if (entry.type !== 'gap')
        assert.equal(entry.sequence < from, index < place, `${entry.sequence} and a gap from ${from}`)
  }
}
