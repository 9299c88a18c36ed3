import type { CodeOf } from '../errors/index.ts'
import type { AuditGap } from '../model/audit-entry.ts'
import type { DeviceHealth } from '../model/gateway.ts'
import type { AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'
import type { Clock } from '../ports/clock.ts'

/** Why a required device did not take an entry. */
export interface Refusal {
  readonly code: CodeOf<'AuditError'>
  readonly message: string
  readonly cause?: unknown
}

/** A device behind a bounded queue, a time limit and counters. One write at a time; what gathers meanwhile is the next one. */
export interface Guard {
  readonly name: string
  readonly required: boolean
  /** Required: resolves to `undefined` once accepted, or to the refusal; never rejects. Best effort: `undefined`, at once. */
  offer(record: AuditRecord, sequence: number): Promise<Refusal | undefined> | undefined
  health(): DeviceHealth
  /** Writes what waits, within the time limit, then closes the device. Gives the number of entries lost. */
  close(): Promise<number>
}

export interface GuardDeps {
  readonly clock: Clock
  /** Makes the marker of a gap. */
  readonly gapRecord: (gap: AuditGap['gap']) => AuditRecord
  /** Called when entries are lost, for the counter. */
  readonly onGap: (name: string, count: number) => void
  /** Called once each time the device turns from working to failing. */
  readonly onFailure: (name: string, why: string) => void
}

export function createGuard(options: AuditDeviceOptions, deps: GuardDeps): Guard {
  return new DeviceGuard(options, deps)
}

/** Entries that are written together, and accepted or refused together. */
class Batch {
  readonly records: AuditRecord[] = []
  readonly outcome: Promise<Refusal | undefined>
  readonly settle: (refusal: Refusal | undefined) => void
  /** When its first entry came. */
  readonly sinceMs: number
  readonly fromSequence: number
  toSequence: number
  isSettled = false

  constructor(sinceMs: number, sequence: number) {
    this.sinceMs = sinceMs
    this.fromSequence = sequence
    this.toSequence = sequence
    const { promise, resolve } = Promise.withResolvers<Refusal | undefined>()
    this.outcome = promise
    this.settle = (refusal) => {
      this.isSettled = true
      resolve(refusal)
    }
  }
}

class DeviceGuard implements Guard {
  readonly #options: AuditDeviceOptions
  readonly #deps: GuardDeps
  #next: Batch | undefined
  #writing: Batch | undefined
  #gap: AuditGap['gap'] | undefined
  #isWatching = false
  #isClosed = false
  #accepted = 0
  #failed = 0
  #dropped = 0
  #isFailing = false
  #idle: (() => void) | undefined

  constructor(options: AuditDeviceOptions, deps: GuardDeps) {
    this.#options = options
    this.#deps = deps
  }

  get name(): string {
    return this.#options.device.name
  }

  get required(): boolean {
    return this.#options.required
  }

  offer(record: AuditRecord, sequence: number): Promise<Refusal | undefined> | undefined {
    const refusal = this.#refusal()
    if (refusal !== undefined) return this.#refuse(refusal, sequence)
    const isFirst = this.#next === undefined
    this.#next ??= new Batch(this.#deps.clock.now(), sequence)
    const batch = this.#next
    batch.records.push(record)
    batch.toSequence = sequence
    // A turn later, so that what is recorded in one go is written in one go.
    if (isFirst && this.#writing === undefined) queueMicrotask(() => this.#flush())
    this.#watch()
    return this.required ? batch.outcome : undefined
  }

  health(): DeviceHealth {
    const waiting = (this.#next?.records.length ?? 0) + (this.#writing?.records.length ?? 0)
    const counts = { accepted: this.#accepted, failed: this.#failed, dropped: this.#dropped, waiting }
    return { name: this.name, required: this.required, ...counts }
  }

  async close(): Promise<number> {
    this.#isClosed = true
    const { clock } = this.#deps
    const { device, timeoutMs } = this.#options
    if (this.#writing !== undefined || this.#next !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#idle = resolve
      const timer = clock.after(timeoutMs, resolve)
      await promise
      timer.cancel()
    }
    const lost = this.#giveUp()
    await bounded(device.close(), timeoutMs, clock)
    return lost
  }

  #refusal(): Refusal | undefined {
    const { queueSize, timeoutMs } = this.#options
    if (this.#isClosed) return { code: 'ERR_PORTCULLIS_AUDIT_FAILED', message: 'the device is closed' }
    if (this.required && this.#isStalled()) {
      return {
        code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT',
        message: `the device has not answered for more than ${timeoutMs} ms`,
      }
    }
    if ((this.#next?.records.length ?? 0) < queueSize) return undefined
    return { code: 'ERR_PORTCULLIS_AUDIT_FULL', message: `${queueSize} entries are waiting already` }
  }

  /** Nobody waits for a device that made others wait in vain: it is refused at once, until its write has ended. */
  #isStalled(): boolean {
    return this.#writing?.isSettled === true
  }

  #refuse(refusal: Refusal, sequence: number): Promise<Refusal> | undefined {
    if (this.required) {
      this.#failed += 1
      return Promise.resolve(refusal)
    }
    this.#drop(1, sequence, sequence)
    return undefined
  }

  #flush(): void {
    const batch = this.#next
    if (batch === undefined || this.#writing !== undefined) return
    this.#next = undefined
    this.#writing = batch
    const gap = this.#gap
    const records = gap === undefined ? batch.records : [this.#deps.gapRecord(gap), ...batch.records]
    let written: Promise<void> | void
    try {
      written = this.#options.device.write(records)
    } catch (cause) {
      return this.#wrote(batch, gap, failure(cause))
    }
    if (written === undefined) return this.#wrote(batch, gap, undefined)
    written.then(
      () => this.#wrote(batch, gap, undefined),
      (cause: unknown) => this.#wrote(batch, gap, failure(cause)),
    )
  }

  #wrote(batch: Batch, gap: AuditGap['gap'] | undefined, refusal: Refusal | undefined): void {
    this.#writing = undefined
    const count = batch.records.length
    this.#note(refusal)
    if (refusal === undefined) {
      this.#accepted += count
      if (gap !== undefined && this.#gap === gap) this.#gap = undefined
      else if (gap !== undefined && this.#gap !== undefined)
        this.#gap = { ...this.#gap, count: this.#gap.count - gap.count }
    } else if (!batch.isSettled) {
      this.#failed += count
      if (!this.required) this.#drop(count, batch.fromSequence, batch.toSequence)
    }
    if (!batch.isSettled) batch.settle(refusal)
    if (this.#next !== undefined) this.#flush()
    else this.#idle?.()
  }

  #note(refusal: Refusal | undefined): void {
    if (refusal !== undefined && !this.#isFailing) this.#deps.onFailure(this.name, refusal.message)
    this.#isFailing = refusal !== undefined
  }

  #drop(count: number, from: number, to: number): void {
    this.#dropped += count
    this.#gap = {
      count: (this.#gap?.count ?? 0) + count,
      from_sequence: this.#gap?.from_sequence ?? from,
      to_sequence: to,
    }
    this.#deps.onGap(this.name, count)
  }

  /** One timer a device, however many wait: it looks at the oldest and is set anew for what is left. */
  #watch(): void {
    if (this.#isWatching || !this.required) return
    this.#isWatching = true
    this.#deps.clock.after(this.#options.timeoutMs, () => this.#expire())
  }

  #expire(): void {
    this.#isWatching = false
    const { clock } = this.#deps
    const { timeoutMs } = this.#options
    const dueMs = clock.now() - timeoutMs
    if (this.#writing !== undefined && !this.#writing.isSettled && this.#writing.sinceMs <= dueMs)
      this.#timeOut(this.#writing)
    if (this.#next !== undefined && this.#next.sinceMs <= dueMs) {
      // Not handed over yet: taken out, so that what was refused is not recorded later.
      this.#timeOut(this.#next)
      this.#next = undefined
    }
    const oldest = this.#writing?.isSettled === false ? this.#writing : this.#next
    if (oldest === undefined) return
    this.#isWatching = true
    clock.after(Math.max(oldest.sinceMs - dueMs, 1), () => this.#expire())
  }

  #timeOut(batch: Batch): void {
    this.#failed += batch.records.length
    const message = `the device did not accept the entry within ${this.#options.timeoutMs} ms`
    const refusal: Refusal = { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT', message }
    this.#note(refusal)
    batch.settle(refusal)
  }

  #giveUp(): number {
    let lost = 0
    for (const batch of [this.#writing, this.#next]) {
      if (batch === undefined || batch.isSettled) continue
      lost += batch.records.length
      batch.settle({
        code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT',
        message: 'the device did not accept the entry before it was closed',
      })
    }
    this.#next = undefined
    return lost
  }
}

function failure(cause: unknown): Refusal {
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'error'
  return { code: 'ERR_PORTCULLIS_AUDIT_FAILED', message: `the device failed (${why})`, cause }
}

async function bounded(work: Promise<void>, timeoutMs: number, clock: Clock): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const timer = clock.after(timeoutMs, resolve)
  await Promise.race([work.catch(() => {}), promise])
  timer.cancel()
}
