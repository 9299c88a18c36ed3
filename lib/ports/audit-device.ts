import type { AuditEntry, AuditGap } from '../model/audit-entry.ts'
import type { Shipping } from '../model/gateway.ts'
import type { Diagnostics } from './diagnostics.ts'

/** An entry on its way to the devices: one object, serialised at most once whatever the number of devices. */
export interface AuditRecord {
  readonly entry: AuditEntry | AuditGap
  /** The entry as one line of JSON, without newline. */
  line(): string
}

/** What a device gets of the gateway that it is in. */
export interface DeviceSurroundings {
  /** Where it says what concerns no single entry. */
  readonly diagnostics: Diagnostics
}

/** Driver of a sink of audit entries. Queue, time limit and counters are put around it by `audit/`. */
export interface AuditDevice {
  /** Unique among the devices of a gateway; stands in errors and metrics. */
  readonly name: string
  /**
   * Of one that gives no receipt for what it takes: why it can only be best effort. With `required: true` it is refused, in these
   * words. Default: it may be required.
   */
  readonly neverRequired?: string
  /** Called once, before the first entry. @throws when the device cannot take entries. */
  open(surroundings?: DeviceSurroundings): Promise<void>
  /**
   * Takes `records`, in order. Resolves once all are accepted; a rejection means that none counts as accepted.
   * Not called again before it has settled. May answer synchronously.
   */
  write(records: readonly AuditRecord[]): Promise<void> | void
  /** Of one that keeps entries and hands them on by itself: how that goes. */
  shipping?(): Shipping | undefined
  /** Ends it, after the last `write` has settled. Idempotent. */
  close(): Promise<void>
}

/** A device and what is asked of it: what the `devices` option lists. */
export interface AuditDeviceOptions {
  readonly device: AuditDevice
  /** Must it accept an entry before the request goes on? */
  readonly required: boolean
  /** How long an entry may wait for acceptance; milliseconds. */
  readonly timeoutMs: number
  /** Entries that may wait at once. */
  readonly queueSize: number
}
