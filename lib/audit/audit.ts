import { AuditError, type AuditPhase } from '../errors/index.ts'
import type { AuditDecision, AuditEntry, AuditEvent, AuditRequest, AuditResponse } from '../model/audit-entry.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { DeviceHealth } from '../model/gateway.ts'
import { isoTime } from '../model/iso-time.ts'
import { checkedDevice } from '../options/device.ts'
import type { AuditDeviceOptions } from '../ports/audit-device.ts'
import type { Clock } from '../ports/clock.ts'
import type { Diagnostics } from '../ports/diagnostics.ts'
import type { Attributes, Telemetry } from '../ports/telemetry.ts'
import { createGuard, type Guard, type Outcome } from './guard.ts'
import type { Hasher } from './hasher.ts'
import { LazyRecord } from './record.ts'
import { withinLimit } from './within-limit.ts'

/** An entry without what the audit itself knows: time, instance, sequence. */
export interface AuditDraft {
  readonly type: AuditEntry['type']
  readonly caller: Caller
  readonly decision: Decision
  readonly request: AuditRequest
  readonly auth?: NonNullable<AuditEntry['auth']>
  readonly response?: AuditResponse
  readonly error?: string
  readonly trace?: NonNullable<AuditEntry['trace']>
  readonly event?: AuditEvent
}

/** What a refusal stops: that something is sent or done, or that an answer is handed over. */
export type RecordPhase = Exclude<AuditPhase, 'start'>

/** Takes entries to every device. */
export interface Audit {
  readonly hasher: Hasher
  /**
   * Records an entry. Sequence numbers are given in the order of these calls, and each device gets its entries in that order.
   *
   * @returns `undefined` when nothing has to be waited for, else a promise that resolves when every required device has accepted.
   * @throws {AuditError} (the promise rejects) `ERR_PORTCULLIS_AUDIT_FAILED`, `_TIMEOUT` or `_FULL`; `phase` is the draft's type, `request` for an event.
   */
  record(draft: AuditDraft): Promise<void> | undefined
  counters(): readonly DeviceHealth[]
  /** Names of required devices that take nothing: requests are refused for them. */
  failing(): readonly string[]
  /** Writes what waits, within the devices' time limits, and closes them; says what was lost. Idempotent. */
  close(): Promise<void>
}

export interface AuditDeps {
  readonly devices: readonly AuditDeviceOptions[]
  readonly hasher: Hasher
  readonly clock: Clock
  /** Unique for this process. */
  readonly instance: string
  readonly telemetry: Telemetry
  readonly diagnostics: Diagnostics
}

/**
 * Opens the devices, and records to them.
 *
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE` for a device that cannot be opened; those opened before it are closed.
 * @throws {TypeError|RangeError} for no device at all, two devices of one name, or one that is not what the port asks for.
 */
export async function createAudit(deps: AuditDeps): Promise<Audit> {
  checkDevices(deps.devices)
  const opened: AuditDeviceOptions[] = []
  for (const options of deps.devices) {
    try {
      await opening(options, deps)
      opened.push(options)
    } catch (cause) {
      await Promise.allSettled(opened.map(({ device }) => device.close()))
      throw unusable(options.device.name, cause)
    }
  }
  return new DeviceAudit(deps)
}

class DeviceAudit implements Audit {
  readonly hasher: Hasher
  readonly #deps: AuditDeps
  readonly #guards: readonly Guard[]
  readonly #decisions = new WeakMap<Decision, AuditDecision>()
  readonly #names = new WeakMap<Caller, readonly (readonly string[])[]>()
  #sequence = 0
  #timeMs = Number.NaN
  #time = ''
  #closing: Promise<void> | undefined

  constructor(deps: AuditDeps) {
    this.#deps = deps
    this.hasher = deps.hasher
    this.#guards = deps.devices.map((options) => this.#guard(options))
  }

  record(draft: AuditDraft): Promise<void> | undefined {
    const sequence = ++this.#sequence
    const record = new LazyRecord(this.#entry(draft, sequence))
    const phase = draft.type === 'event' ? 'request' : draft.type
    let waiting: Promise<void> | undefined
    for (const guard of this.#guards) {
      const accepted = guard.offer(record, sequence, phase)
      if (accepted === undefined) continue
      waiting = waiting === undefined ? accepted : both(waiting, accepted)
    }
    return waiting
  }

  counters(): readonly DeviceHealth[] {
    return this.#guards.map((guard) => guard.health())
  }

  failing(): readonly string[] {
    return this.#guards.filter((guard) => guard.required && guard.isFailing()).map(({ name }) => name)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await Promise.all(
      this.#guards.map(async (guard) => {
        const lost = await guard.close()
        if (lost > 0) this.#deps.diagnostics.warn('audit entries were lost at close', { device: guard.name, lost })
      }),
    )
  }

  #guard(options: AuditDeviceOptions): Guard {
    const { clock, diagnostics, instance, telemetry } = this.#deps
    const { name } = options.device
    const attributes = attributesOf(name)
    return createGuard(options, {
      clock,
      gapRecord: (gap) => new LazyRecord({ time: this.#now(), type: 'gap', instance, gap }),
      onOutcome(outcome, count): void {
        telemetry.count('portcullis.audit.entries', attributes[outcome], count)
        if (outcome === 'dropped') telemetry.count('portcullis.audit.gaps', attributes.gap, count)
      },
      onFailure: (why) => diagnostics.warn('an audit device does not take entries', { device: name, why }),
    })
  }

  /** Fields are set one by one, which is far cheaper than spreading them. */
  #entry(
    { type, caller, decision, auth, request, response, error, trace, event }: AuditDraft,
    sequence: number,
  ): AuditEntry {
    const entry: Writable<AuditEntry> = {
      time: this.#now(),
      type,
      instance: this.#deps.instance,
      sequence,
      caller: caller.attributes,
      decision: this.#decision(decision),
      request,
    }
    if (decision.shadow !== undefined) entry.shadow = this.#decision(decision.shadow)
    if (caller.parent !== undefined) entry.caller_added = this.#added(caller)
    if (auth !== undefined) entry.auth = auth
    if (response !== undefined) entry.response = response
    if (error !== undefined) entry.error = error
    if (trace !== undefined) entry.trace = trace
    if (event !== undefined) entry.event = event
    return entry
  }

  #added(caller: Caller): readonly (readonly string[])[] {
    let names = this.#names.get(caller)
    if (names === undefined) {
      names = namesAdded(caller)
      this.#names.set(caller, names)
    }
    return names
  }

  /** Written once a decision: those that allow are the same object each time. */
  #decision(decision: Decision): AuditDecision {
    let entry = this.#decisions.get(decision)
    if (entry === undefined) {
      const { effect, reason, policy, rule, pointer, keyword } = decision
      entry = Object.freeze({
        effect,
        reason,
        ...(policy === undefined ? {} : { policy }),
        ...(rule === undefined ? {} : { rule }),
        ...(pointer === undefined ? {} : { pointer }),
        ...(keyword === undefined ? {} : { keyword }),
      })
      this.#decisions.set(decision, entry)
    }
    return entry
  }

  /** One text a millisecond. */
  #now(): string {
    const nowMs = this.#deps.clock.wallTime()
    if (nowMs !== this.#timeMs) {
      this.#timeMs = nowMs
      this.#time = isoTime(nowMs)
    }
    return this.#time
  }
}

type Writable<T> = { -readonly [K in keyof T]: T[K] }

/** Labels of the counters of a device, made once. */
function attributesOf(name: string): Readonly<Record<Outcome | 'gap', Attributes>> {
  const device = { 'portcullis.audit.device': name }
  const of = (outcome: Outcome): Attributes => Object.freeze({ ...device, 'portcullis.outcome': outcome })
  return { accepted: of('accepted'), failed: of('failed'), dropped: of('dropped'), gap: Object.freeze(device) }
}

/** An attribute cannot be overwritten, so each was added once. */
function namesAdded({ attributes, parent }: Caller): readonly (readonly string[])[] {
  const own = Object.keys(attributes)
  if (parent === undefined) return Object.freeze([Object.freeze(own)])
  return Object.freeze([...namesAdded(parent), Object.freeze(own.filter((name) => !(name in parent.attributes)))])
}

/** Waits for both, so that no rejection goes unseen. */
async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  const [first, second] = await Promise.allSettled([one, other])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
}

function checkDevices(devices: readonly AuditDeviceOptions[]): void {
  if (devices.length === 0) throw new TypeError('an audit needs at least one device: nothing passes unrecorded')
  const names = new Set<string>()
  for (const options of devices) {
    const { name } = checkedDevice(options)
    if (names.has(name)) throw new TypeError(`two audit devices are named ${JSON.stringify(name)}`)
    names.add(name)
  }
}

/** Opens within the device's time limit: one that hangs must not hold up the start for ever. */
async function opening({ device, timeoutMs }: AuditDeviceOptions, deps: AuditDeps): Promise<void> {
  const { clock, diagnostics } = deps
  if (!(await withinLimit(device.open({ diagnostics }), timeoutMs, clock)))
    throw new Error(`it did not open within ${timeoutMs} ms`)
}

function unusable(device: string, cause: unknown): AuditError {
  if (cause instanceof AuditError) return cause
  const why = cause instanceof Error ? cause.message : 'it failed to open'
  const message = `audit device ${device} cannot be used: ${why}`
  return new AuditError('ERR_PORTCULLIS_AUDIT_UNUSABLE', message, { device, phase: 'start', cause })
}
