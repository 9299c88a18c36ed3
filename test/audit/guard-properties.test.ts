import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createGuard } from '../../lib/audit/guard.ts'
import { LazyRecord } from '../../lib/audit/record.ts'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import type { AuditDevice, AuditRecord } from '../../lib/ports/audit-device.ts'
import { FakeClock, settle } from '../../lib/testing/fake-clock.ts'
import { listed } from './support.ts'

const TIMEOUT_MS = 100
const QUEUE_SIZE = 5

type Step = 'offer' | 'accept' | 'fail' | number

/** Mostly entries, writes that end well or badly in any order between them, and time that passes. */
const steps: fc.Arbitrary<readonly Step[]> = fc.array(
  fc.oneof(
    { weight: 5, arbitrary: fc.constant<Step>('offer') },
    { weight: 2, arbitrary: fc.constant<Step>('accept') },
    { weight: 1, arbitrary: fc.constant<Step>('fail') },
    { weight: 2, arbitrary: fc.integer({ min: 0, max: 150 }) },
  ),
  { maxLength: 60 },
)

/** What a device got in writes that ended well, and in those that did not. */
class ScriptedDevice implements AuditDevice {
  readonly name = 'scripted'
  readonly handed: AuditRecord[] = []
  readonly taken: AuditRecord[] = []
  #under: { readonly records: readonly AuditRecord[]; readonly end: PromiseWithResolvers<void> } | undefined

  async open(): Promise<void> {}

  write(records: readonly AuditRecord[]): Promise<void> {
    assert.equal(this.#under, undefined, 'one write at a time')
    assert.ok(records.length > 0)
    this.handed.push(...records)
    this.#under = { records, end: Promise.withResolvers<void>() }
    return this.#under.end.promise
  }

  async close(): Promise<void> {}

  end(well: boolean): void {
    const under = this.#under
    if (under === undefined) return
    this.#under = undefined
    if (well) this.taken.push(...under.records)
    if (well) under.end.resolve()
    else under.end.reject(new Error('no'))
  }
}

interface Run {
  readonly offered: number
  readonly device: ScriptedDevice
  readonly health: ReturnType<ReturnType<typeof createGuard>['health']>
  readonly lost: number
  /** Of each entry: how it ended, and how long it waited. */
  readonly outcomes: readonly { readonly how: string; readonly waitedMs: number }[]
  readonly timersLeft: number
}

async function run(script: readonly Step[], required: boolean): Promise<Run> {
  const clock = new FakeClock()
  const device = new ScriptedDevice()
  const guard = createGuard(listed(device, { required, timeoutMs: TIMEOUT_MS, queueSize: QUEUE_SIZE }), {
    clock,
    gapRecord: (gap) => new LazyRecord({ time: '', type: 'gap', instance: 'i', gap }),
    onOutcome() {},
    onFailure() {},
  })
  const outcomes: { how: string; waitedMs: number }[] = []
  let sequence = 0
  const offer = (): void => {
    const index = sequence++
    const atMs = clock.now()
    const end = (how: string) => (): void => {
      outcomes[index] = { how, waitedMs: clock.now() - atMs }
    }
    const entry = new LazyRecord({ type: 'request', sequence } as AuditEntry)
    void guard.offer(entry, sequence, 'request')?.then(end('accepted'), end('refused'))
  }
  for (const step of script) {
    if (step === 'offer') offer()
    else if (step === 'accept' || step === 'fail') device.end(step === 'accept')
    else await clock.advance(step)
    if (step !== 'offer') await settle()
    assert.ok(guard.health().waiting <= QUEUE_SIZE)
  }
  const closing = guard.close()
  await clock.advance(3 * TIMEOUT_MS)
  const lost = await closing
  return { offered: sequence, device, health: guard.health(), lost, outcomes, timersLeft: clock.pending }
}

const sequencesOf = (records: readonly AuditRecord[]): readonly number[] =>
  records.flatMap(({ entry }) => (entry.type === 'gap' ? [] : [entry.sequence]))

const isAscending = (numbers: readonly number[]): boolean =>
  numbers.every((number, index) => index === 0 || number > (numbers[index - 1] ?? 0))

test('whatever a required device does, each entry ends within its limit, and is accepted only when it was taken', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const { offered, device, health, outcomes, timersLeft } = await run(script, true)
      const taken = new Set(sequencesOf(device.taken))
      assert.equal(outcomes.length, offered)
      for (const [index, { how, waitedMs }] of outcomes.entries()) {
        assert.ok(waitedMs <= TIMEOUT_MS, `waited ${waitedMs} ms`)
        if (how === 'accepted') assert.ok(taken.has(index + 1))
      }
      assert.ok(isAscending(sequencesOf(device.handed)))
      assert.equal(health.accepted, outcomes.filter(({ how }) => how === 'accepted').length)
      assert.equal(health.accepted + health.failed, offered)
      assert.equal(timersLeft, 0)
    }),
    { numRuns: 150 },
  )
})

test('whatever a best-effort device does, each entry was taken, or is told of by a marker or at the end', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const { offered, device, health, lost, timersLeft } = await run(script, false)
      const told = device.taken.reduce((sum, { entry }) => sum + (entry.type === 'gap' ? entry.gap.count : 0), 0)
      assert.equal(sequencesOf(device.taken).length + told + lost, offered)
      assert.equal(health.accepted + health.dropped, offered)
      assert.equal(health.accepted, sequencesOf(device.taken).length)
      assert.ok(isAscending(sequencesOf(device.handed)))
      assert.equal(timersLeft, 0)
    }),
    { numRuns: 150 },
  )
})

test('a marker stands before what came after the loss', async () => {
  await fc.assert(
    fc.asyncProperty(steps, async (script) => {
      const { device } = await run(script, false)
      for (const [index, { entry }] of device.taken.entries()) {
        if (entry.type !== 'gap') continue
        const { from_sequence: from } = entry.gap
        assert.ok(sequencesOf(device.taken.slice(0, index)).every((sequence) => sequence < from))
      }
    }),
    { numRuns: 100 },
  )
})
