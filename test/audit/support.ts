import type { AuditDraft } from '../../lib/audit/audit.ts'
import { createHasher, type Hasher } from '../../lib/audit/hasher.ts'
import type { AuditEntry, AuditGap } from '../../lib/model/audit-entry.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord } from '../../lib/ports/audit-device.ts'
import type { Diagnostics } from '../../lib/ports/diagnostics.ts'
import { NO_TELEMETRY, type Telemetry } from '../../lib/ports/telemetry.ts'

/** A device whose writes are ended by the test. */
export class HeldDevice implements AuditDevice {
  readonly name: string
  /** Each write: what stood in it, numbers for entries and `gap N from-to` for markers. */
  readonly writes: (readonly (number | string)[])[] = []
  readonly #held: PromiseWithResolvers<void>[] = []
  closes = 0

  constructor(name = 'held') {
    this.name = name
  }

  async open(): Promise<void> {}

  write(records: readonly AuditRecord[]): Promise<void> {
    this.writes.push(records.map(({ entry }) => shown(entry)))
    const held = Promise.withResolvers<void>()
    this.#held.push(held)
    return held.promise
  }

  async close(): Promise<void> {
    this.closes += 1
  }

  /** Ends the write under way well. */
  accept(): void {
    this.#next().resolve()
  }

  /** Ends the write under way badly. */
  fail(error: unknown = Object.assign(new Error('no space left'), { code: 'ENOSPC' })): void {
    this.#next().reject(error)
  }

  #next(): PromiseWithResolvers<void> {
    const held = this.#held.shift()
    if (held === undefined) throw new Error('no write is under way')
    return held
  }
}

export function shown(entry: AuditEntry | AuditGap): number | string {
  if (entry.type !== 'gap') return entry.sequence
  return `gap ${entry.gap.count} from ${entry.gap.from_sequence} to ${entry.gap.to_sequence}`
}

/** `device` as the `devices` option lists it. */
export function listed(device: AuditDevice, options: Partial<AuditDeviceOptions> = {}): AuditDeviceOptions {
  return { device, required: true, timeoutMs: 1_000, queueSize: 100, ...options }
}

export const HASHER: Hasher = createHasher(new Uint8Array(32).fill(7))

export const DRAFT: AuditDraft = {
  type: 'request',
  caller: { attributes: { service: 'orders' }, parent: undefined, id: 'orders' },
  decision: { effect: 'allow', reason: 'rule', policy: 'orders', rule: 'db', message: 'allowed' },
  request: { id: 'r-1', operation: 'read', namespace: { path: '' }, path: 'database/creds/orders' },
}

/** Diagnostics that keep what they were told. */
export function heard(): Diagnostics & { readonly warnings: readonly unknown[] } {
  const warnings: unknown[] = []
  return { warnings, warn: (message, fields) => void warnings.push({ message, ...fields }) }
}

/** Telemetry that adds up its counters by name and outcome. */
export function counting(): Telemetry & { readonly counts: Readonly<Record<string, number>> } {
  const counts: Record<string, number> = {}
  const count: Telemetry['count'] = (name, attributes, value = 1) => {
    const key = `${name} ${attributes['portcullis.outcome'] ?? ''}`.trim()
    counts[key] = (counts[key] ?? 0) + value
  }
  return { ...NO_TELEMETRY, counts, count }
}

/** How a promise stands, without waiting for it. */
export async function stateOf(promise: Promise<unknown> | undefined): Promise<string> {
  if (promise === undefined) return 'nothing to wait for'
  const rejected = (error: unknown): string => String((error as { readonly code?: unknown }).code)
  return Promise.race([promise.then(() => 'accepted', rejected), new Promise<string>((r) => setImmediate(r, 'waits'))])
}
