import { AuditError, type AuditPhase, type CodeOf } from '../errors/index.ts'
import type { AuditRecord } from '../ports/audit-device.ts'
import type { RecordPhase } from './audit.ts'

/** Why a device did not take entries. */
export interface Refusal {
  readonly code: CodeOf<'AuditError'>
  readonly message: string
  readonly cause?: unknown
}

/**
 * Entries of one device that came at about the same time, and so wait until the same moment.
 *
 * All who wait share one promise (one for requests and one for responses, since the error says which
 * of them it stopped): under load that is one promise a write, not one an entry.
 */
export class Ticket {
  readonly records: AuditRecord[] = []
  readonly sinceMs: number
  readonly fromSequence: number
  toSequence: number
  /** Accepted, refused or given up: nobody waits any more. */
  isSettled = false
  readonly #device: string
  readonly #waiters = new Map<RecordPhase, PromiseWithResolvers<void>>()

  constructor(device: string, sinceMs: number, sequence: number) {
    this.#device = device
    this.sinceMs = sinceMs
    this.fromSequence = sequence
    this.toSequence = sequence
  }

  add(record: AuditRecord, sequence: number): void {
    this.records.push(record)
    this.toSequence = sequence
  }

  /** Resolves when the entries have been accepted. @throws {AuditError} with `phase`, when they are refused. */
  accepted(phase: RecordPhase): Promise<void> {
    let waiter = this.#waiters.get(phase)
    if (waiter === undefined) {
      waiter = Promise.withResolvers<void>()
      waiter.promise.catch(() => {})
      this.#waiters.set(phase, waiter)
    }
    return waiter.promise
  }

  accept(): void {
    this.isSettled = true
    for (const { resolve } of this.#waiters.values()) resolve()
  }

  refuse(refusal: Refusal): void {
    this.isSettled = true
    for (const [phase, { reject }] of this.#waiters) reject(refused(this.#device, phase, refusal))
  }
}

/** The error of a request that a device stopped. */
export function refused(device: string, phase: AuditPhase, { code, message, cause }: Refusal): AuditError {
  const stopped = phase === 'request' ? 'nothing was sent' : 'the answer is withheld'
  return new AuditError(code, `audit device ${device}: ${message}; ${stopped}`, { device, phase, cause })
}
