import { AuditError, PortcullisError } from '../errors/index.ts'
import type { DeviceHealth } from '../model/gateway.ts'
import type { AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { RecordPhase } from './audit.ts'
import { type Gap, joined } from './gap.ts'
import { type Refusal, refused, Ticket } from './ticket.ts'
import { withinLimit } from './within-limit.ts'

/**
 * A device behind a bounded queue, a time limit and counters.
 *
 * One write at a time: what comes meanwhile gathers, and is the next write. Entries reach the device in the
 * order of their sequence numbers.
 *
 * **Required**: an entry waits until it has been accepted, or is refused: the queue is full (at once), the
 * write failed, or the time limit passed. One that was not handed over by then is taken out of the queue, so it
 * is never written; one that was handed over may still appear, although its request was refused. While a
 * write has been under way for longer than the time limit, new entries are refused at once: nobody waits in
 * vain for a device that made others wait in vain.
 *
 * **Best effort**: nobody waits. What does not fit the queue, or is in a write that failed, is lost and
 * counted; as soon as the device takes entries again, a marker says in its place how many are missing. A write
 * that is under way for longer than the time limit is said, and may still be accepted.
 */
export interface Guard {
  readonly name: string
  readonly required: boolean
  /** `undefined` where nobody has to wait. @throws {AuditError} (the promise rejects) as above. */
  offer(record: AuditRecord, sequence: number, phase: RecordPhase): Promise<void> | undefined
  health(): DeviceHealth
  /** Does it take nothing now: its last write failed or lasts longer than the time limit, or its queue is full? */
  isFailing(): boolean
  /** Writes what waits, within the time limit, then closes the device. Gives the number of entries it lost. Idempotent. */
  close(): Promise<number>
}

/** What became of entries. */
export type Outcome = 'accepted' | 'failed' | 'dropped'

export interface GuardDeps {
  readonly clock: Clock
  /** Makes the marker of a gap. */
  readonly gapRecord: (gap: Gap) => AuditRecord
  /** Called for the counters. */
  readonly onOutcome: (outcome: Outcome, count: number) => void
  /** Called once each time the device turns from working to failing. */
  readonly onFailure: (why: string) => void
}

export function createGuard(options: AuditDeviceOptions, deps: GuardDeps): Guard {
  return new DeviceGuard(options, deps)
}

/** Entries that come within this part of the time limit share a promise; so each waits its limit, or this part less. */
const SHARED_PART = 1 / 100

class DeviceGuard implements Guard {
  readonly name: string
  readonly required: boolean
  readonly #options: AuditDeviceOptions
  readonly #deps: GuardDeps
  readonly #counts: Record<Outcome, number> = { accepted: 0, failed: 0, dropped: 0 }
  /** Not handed over yet, oldest first. */
  #queued: Ticket[] = []
  /** In the write under way; `undefined` while there is none. */
  #flying: { readonly tickets: readonly Ticket[]; readonly gap: Gap | undefined; readonly sinceMs: number } | undefined
  /** Entries queued and in flight. */
  #waiting = 0
  #gap: Gap | undefined
  /** Does the newest ticket take no more entries? */
  #isTicketFull = false
  #isScheduled = false
  /** Has a failure been said that is not over? */
  #isFailing = false
  /** Is the last that became of entries a failure? */
  #hasFailed = false
  #timer: Timer | undefined
  #closing: Promise<number> | undefined
  #onIdle: (() => void) | undefined

  constructor(options: AuditDeviceOptions, deps: GuardDeps) {
    this.#options = options
    this.#deps = deps
    this.name = options.device.name
    this.required = options.required
  }

  offer(record: AuditRecord, sequence: number, phase: RecordPhase): Promise<void> | undefined {
    const nowMs = this.#deps.clock.now()
    const refusal = this.#refusal(nowMs)
    if (refusal !== undefined) return this.#refuse(refusal, sequence, phase)
    const ticket = this.#ticket(nowMs, sequence)
    ticket.add(record, sequence)
    this.#waiting += 1
    this.#schedule()
    this.#watch(this.#options.timeoutMs)
    if (!this.required) return undefined
    return ticket.accepted(phase)
  }

  health(): DeviceHealth {
    const shipping = this.#options.device.shipping?.()
    const own = { name: this.name, required: this.required, ...this.#counts, waiting: this.#waiting }
    return shipping === undefined ? own : { ...own, shipping }
  }

  isFailing(): boolean {
    return this.#hasFailed || this.#refusal(this.#deps.clock.now()) !== undefined
  }

  close(): Promise<number> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<number> {
    const { clock } = this.#deps
    const { device, timeoutMs } = this.#options
    // A write that everyone has given up on is waited for no longer.
    if (this.#unsettled().length > 0 || this.#gap !== undefined) {
      const { promise, resolve } = Promise.withResolvers<void>()
      this.#onIdle = resolve
      this.#schedule()
      await withinLimit(promise, timeoutMs, clock)
    }
    const lost = this.#giveUp()
    this.#timer?.cancel()
    await withinLimit(closed(device), timeoutMs, clock)
    return lost
  }

  #refusal(nowMs: number): Refusal | undefined {
    const { queueSize, timeoutMs } = this.#options
    if (this.#closing !== undefined) return { code: 'ERR_PORTCULLIS_AUDIT_FAILED', message: 'the device is closed' }
    if (this.required && this.#flying !== undefined && nowMs - this.#flying.sinceMs >= timeoutMs) {
      return { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT', message: `the device has not answered for ${timeoutMs} ms` }
    }
    if (this.#waiting < queueSize) return undefined
    return { code: 'ERR_PORTCULLIS_AUDIT_FULL', message: `${queueSize} entries are waiting already` }
  }

  #refuse(refusal: Refusal, sequence: number, phase: RecordPhase): Promise<void> | undefined {
    if (this.#closing === undefined) this.#note(refusal)
    if (this.required) {
      this.#count('failed', 1)
      return Promise.reject(refused(this.name, phase, refusal))
    }
    this.#lose({ count: 1, from_sequence: sequence, to_sequence: sequence })
    // What comes later stands behind the gap.
    this.#isTicketFull = true
    return undefined
  }

  #ticket(nowMs: number, sequence: number): Ticket {
    const newest = this.#queued.at(-1)
    const isOpen = !this.#isTicketFull && newest !== undefined
    if (isOpen && nowMs - newest.sinceMs <= this.#options.timeoutMs * SHARED_PART) return newest
    const ticket = new Ticket(this.name, nowMs, sequence)
    this.#queued.push(ticket)
    this.#isTicketFull = false
    return ticket
  }

  /** A turn later, so that what is recorded in one go is written in one go. */
  #schedule(): void {
    if (this.#isScheduled || this.#flying !== undefined) return
    this.#isScheduled = true
    queueMicrotask(() => this.#flush())
  }

  #flush(): void {
    this.#isScheduled = false
    const gap = this.#gap
    if (this.#queued.length === 0 && gap === undefined) {
      this.#onIdle?.()
      return
    }
    const tickets = this.#queued
    this.#queued = []
    this.#gap = undefined
    this.#flying = { tickets, gap, sinceMs: this.#deps.clock.now() }
    this.#write(this.#records(tickets, gap))
  }

  #write(records: readonly AuditRecord[]): void {
    let written: Promise<void> | void
    try {
      written = this.#options.device.write(records)
    } catch (cause) {
      this.#wrote(failure(cause))
      return
    }
    if (written === undefined) this.#wrote(undefined)
    else {
      Promise.resolve(written).then(
        () => this.#wrote(undefined),
        (cause: unknown) => this.#wrote(failure(cause)),
      )
    }
  }

  /** All records of a write, the marker of a gap in its place. */
  #records(tickets: readonly Ticket[], gap: Gap | undefined): readonly AuditRecord[] {
    const [only] = tickets
    if (gap === undefined && only !== undefined && tickets.length === 1) return only.records
    const before = gap === undefined ? tickets : tickets.filter(({ toSequence }) => toSequence < gap.from_sequence)
    return [
      ...before.flatMap(({ records }) => records),
      ...(gap === undefined ? [] : [this.#deps.gapRecord(gap)]),
      ...tickets.slice(before.length).flatMap(({ records }) => records),
    ]
  }

  #wrote(refusal: Refusal | undefined): void {
    const flying = this.#flying
    if (flying === undefined) return
    this.#flying = undefined
    this.#hasFailed = refusal !== undefined
    for (const ticket of flying.tickets) {
      this.#waiting -= ticket.records.length
      if (!ticket.isSettled) this.#settle(ticket, refusal)
    }
    this.#note(refusal)
    if (refusal !== undefined) this.#gap = joined(flying.gap, this.#gap)
    const isMore = this.#queued.length > 0 || (this.#gap !== undefined && refusal === undefined)
    if (isMore) this.#schedule()
    else this.#onIdle?.()
  }

  #settle(ticket: Ticket, refusal: Refusal | undefined): void {
    const { records, fromSequence, toSequence } = ticket
    const count = records.length
    if (refusal === undefined) {
      this.#count('accepted', count)
      ticket.accept()
      return
    }
    if (this.required) this.#count('failed', count)
    else this.#lose({ count, from_sequence: fromSequence, to_sequence: toSequence })
    ticket.refuse(refusal)
  }

  /** Says a failure once, not for each entry; it is over when a write has left nothing waiting. */
  #note(refusal: Refusal | undefined): void {
    if (refusal !== undefined && !this.#isFailing) this.#deps.onFailure(why(refusal))
    this.#isFailing = refusal !== undefined || (this.#isFailing && this.#waiting > 0)
  }

  #lose(gap: Gap): void {
    this.#count('dropped', gap.count)
    this.#gap = joined(this.#gap, gap)
  }

  #count(outcome: Outcome, count: number): void {
    this.#counts[outcome] += count
    this.#deps.onOutcome(outcome, count)
  }

  /** One timer a device, however many wait: it looks at the oldest and is set anew for what is left. */
  #watch(leftMs: number): void {
    this.#timer ??= this.#deps.clock.after(leftMs, () => this.#expire())
  }

  #expire(): void {
    this.#timer = undefined
    const { timeoutMs } = this.#options
    const dueMs = this.#deps.clock.now() - timeoutMs
    if (!this.required) {
      this.#tellStall(dueMs)
      return
    }
    const inFlight = this.#flying?.tickets.filter(({ isSettled }) => !isSettled) ?? []
    for (const ticket of inFlight) if (ticket.sinceMs <= dueMs) this.#timeOut(ticket)
    for (let oldest = this.#queued[0]; oldest !== undefined && oldest.sinceMs <= dueMs; oldest = this.#queued[0]) {
      this.#queued.shift()
      this.#waiting -= oldest.records.length
      this.#timeOut(oldest)
    }
    const next = inFlight.find(({ isSettled }) => !isSettled) ?? this.#queued[0]
    if (next !== undefined) this.#watch(next.sinceMs - dueMs)
  }

  /** Nobody waits for a best-effort device, so nobody else would learn that it takes nothing until its queue is full. */
  #tellStall(dueMs: number): void {
    // close() tells what was lost by itself.
    if (this.#flying === undefined || this.#closing !== undefined) return
    const leftMs = this.#flying.sinceMs - dueMs
    const message = `the device has not answered for ${this.#options.timeoutMs} ms`
    if (leftMs > 0) this.#watch(leftMs)
    else this.#note({ code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT', message })
  }

  #timeOut(ticket: Ticket): void {
    const message = `the device did not accept the entry within ${this.#options.timeoutMs} ms`
    const refusal: Refusal = { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT', message }
    this.#hasFailed = true
    this.#settle(ticket, refusal)
    this.#note(refusal)
  }

  #unsettled(): readonly Ticket[] {
    return [...(this.#flying?.tickets ?? []), ...this.#queued].filter(({ isSettled }) => !isSettled)
  }

  /** Ends the waiting of all that is left. */
  #giveUp(): number {
    const message = 'the device did not accept the entry before it was closed'
    const left = this.#unsettled()
    for (const ticket of left) this.#settle(ticket, { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT', message })
    const given = this.required ? left.reduce((sum, { records }) => sum + records.length, 0) : 0
    const untold = joined(this.#flying?.gap, this.#gap)?.count ?? 0
    for (const { records } of this.#queued) this.#waiting -= records.length
    this.#queued = []
    return given + untold
  }
}

/** The device's own error goes along as `cause` only, unless it is one of ours: its words may quote what they should not. */
function failure(cause: unknown): Refusal {
  if (cause instanceof AuditError && cause.code === 'ERR_PORTCULLIS_AUDIT_FULL')
    return { code: cause.code, message: cause.message, cause }
  const code: unknown = cause instanceof Error && 'code' in cause ? cause.code : undefined
  const known = typeof code === 'string' && /^[A-Z0-9_]{1,64}$/.test(code) ? ` (${code})` : ''
  return { code: 'ERR_PORTCULLIS_AUDIT_FAILED', message: `the device failed${known}`, cause }
}

function why({ message, cause }: Refusal): string {
  return cause instanceof PortcullisError ? cause.message : message
}

async function closed(device: AuditDeviceOptions['device']): Promise<void> {
  try {
    await device.close()
  } catch {
    // It has taken what it was given; there is nobody left who could do something about it.
  }
}
