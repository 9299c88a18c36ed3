import { AuditError, type AuditPhase } from '../errors/index.ts'
import type { AuditDecision, AuditEntry, AuditGap, AuditRequest, AuditResponse } from '../model/audit-entry.ts'
import type { Caller } from '../model/caller.ts'
import type { Decision } from '../model/decision.ts'
import type { DeviceHealth } from '../model/gateway.ts'
import { isoTime } from '../model/iso-time.ts'
import type { AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'
import type { Clock } from '../ports/clock.ts'
import type { Diagnostics } from '../ports/diagnostics.ts'
import type { Telemetry } from '../ports/telemetry.ts'
import { createGuard, type Guard, type Refusal } from './guard.ts'
import type { Hasher } from './hasher.ts'

/** An entry without what the audit itself knows: time, instance, sequence. */
export interface AuditDraft {
  readonly type: 'request' | 'response'
  readonly caller: Caller
  readonly decision: Decision
  readonly request: AuditRequest
  readonly auth?: NonNullable<AuditEntry['auth']>
  readonly response?: AuditResponse
  readonly error?: string
  readonly trace?: NonNullable<AuditEntry['trace']>
}

/** Takes entries to every device. */
export interface Audit {
  readonly hasher: Hasher
  /**
   * Records an entry.
   *
   * @returns `undefined` when nothing has to be waited for, else a promise that resolves when every required device has accepted.
   * @throws {AuditError} (the promise rejects) `ERR_PORTCULLIS_AUDIT_FAILED`, `_TIMEOUT` or `_FULL`.
   */
  record(draft: AuditDraft): Promise<void> | undefined
  counters(): readonly DeviceHealth[]
  /** Writes what waits, within the devices' time limits, and closes them. Idempotent. */
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
 * @throws {TypeError} for two devices of one name.
 */
export async function createAudit(deps: AuditDeps): Promise<Audit> {
  checkNames(deps.devices)
  const opened: AuditDeviceOptions[] = []
  for (const options of deps.devices) {
    try {
      await options.device.open()
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
  #sequence = 0
  #timeMs = 0
  #time = ''
  #closing: Promise<void> | undefined

  constructor(deps: AuditDeps) {
    this.#deps = deps
    this.hasher = deps.hasher
    const gapRecord = (gap: AuditGap['gap']): AuditRecord =>
      new LazyRecord({ time: this.#now(), type: 'gap', instance: deps.instance, gap })
    const onGap = (name: string, count: number): void =>
      deps.telemetry.count('portcullis.audit.gaps', { 'portcullis.audit.device': name }, count)
    const onFailure = (name: string, why: string): void =>
      deps.diagnostics.warn('an audit device does not take entries', { device: name, why })
    this.#guards = deps.devices.map((options) =>
      createGuard(options, { clock: deps.clock, gapRecord, onGap, onFailure }),
    )
  }

  record(draft: AuditDraft): Promise<void> | undefined {
    const sequence = ++this.#sequence
    const record = new LazyRecord(this.#entry(draft, sequence))
    let waiting: Promise<void> | undefined
    for (const guard of this.#guards) {
      const outcome = guard.offer(record, sequence)
      if (outcome === undefined) continue
      const accepted = acceptedBy(guard, outcome, draft.type)
      waiting = waiting === undefined ? accepted : both(waiting, accepted)
    }
    this.#deps.telemetry.count('portcullis.audit.entries', ENTRY_ATTRIBUTES[draft.type])
    return waiting
  }

  counters(): readonly DeviceHealth[] {
    return this.#guards.map((guard) => guard.health())
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

  #entry(draft: AuditDraft, sequence: number): AuditEntry {
    const { type, caller, auth, request, response, error, trace } = draft
    return {
      time: this.#now(),
      type,
      instance: this.#deps.instance,
      sequence,
      caller: caller.attributes,
      decision: this.#decision(draft.decision),
      ...(auth === undefined ? {} : { auth }),
      request,
      ...(response === undefined ? {} : { response }),
      ...(error === undefined ? {} : { error }),
      ...(trace === undefined ? {} : { trace }),
    }
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

  #now(): string {
    const nowMs = this.#deps.clock.wallTime()
    if (nowMs !== this.#timeMs) {
      this.#timeMs = nowMs
      this.#time = isoTime(nowMs)
    }
    return this.#time
  }
}

const ENTRY_ATTRIBUTES = Object.freeze({
  request: Object.freeze({ 'portcullis.audit.type': 'request' }),
  response: Object.freeze({ 'portcullis.audit.type': 'response' }),
})

class LazyRecord implements AuditRecord {
  readonly entry: AuditEntry | AuditGap
  #line: string | undefined

  constructor(entry: AuditEntry | AuditGap) {
    this.entry = entry
  }

  line(): string {
    this.#line ??= JSON.stringify(this.entry)
    return this.#line
  }
}

async function acceptedBy(guard: Guard, outcome: Promise<Refusal | undefined>, phase: AuditPhase): Promise<void> {
  const refusal = await outcome
  if (refusal === undefined) return
  const { code, message, cause } = refusal
  const stopped = phase === 'request' ? 'nothing was sent' : 'the answer is withheld'
  throw new AuditError(code, `audit device ${guard.name}: ${message}; ${stopped}`, { device: guard.name, phase, cause })
}

/** Waits for both, so that no rejection goes unseen. */
async function both(one: Promise<void>, other: Promise<void>): Promise<void> {
  const [first, second] = await Promise.allSettled([one, other])
  if (first.status === 'rejected') throw first.reason
  if (second.status === 'rejected') throw second.reason
}

function checkNames(devices: readonly AuditDeviceOptions[]): void {
  const names = new Set<string>()
  for (const { device } of devices) {
    if (names.has(device.name)) throw new TypeError(`two audit devices are named ${JSON.stringify(device.name)}`)
    names.add(device.name)
  }
}

function unusable(device: string, cause: unknown): AuditError {
  if (cause instanceof AuditError) return cause
  const why = cause instanceof Error ? cause.message : 'it failed to open'
  const message = `audit device ${device} cannot be used: ${why}`
  return new AuditError('ERR_PORTCULLIS_AUDIT_UNUSABLE', message, { device, phase: 'start', cause })
}
