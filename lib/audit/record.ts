import type { AuditEntry, AuditGap } from '../model/audit-entry.ts'
import type { AuditRecord } from '../ports/audit-device.ts'

/** An entry that is serialised when the first device asks for its text. */
export class LazyRecord implements AuditRecord {
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
