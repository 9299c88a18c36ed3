import type { AuditGap } from '../model/audit-entry.ts'

/** Entries that a device lost: how many, and between which sequence numbers. */
export type Gap = AuditGap['gap']

/** One gap that covers both. */
export function joined(one: Gap | undefined, other: Gap | undefined): Gap | undefined {
  if (one === undefined || other === undefined) return one ?? other
  return {
    count: one.count + other.count,
    from_sequence: Math.min(one.from_sequence, other.from_sequence),
    to_sequence: Math.max(one.to_sequence, other.to_sequence),
  }
}
