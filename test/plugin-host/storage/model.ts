import { Buffer } from 'node:buffer'
import type { StoreChange, StorePage } from '../../../lib/ports/store.ts'

/** What a store has to do, said as plainly as can be: no index, no jump, one sort. */
export class Model {
  readonly values: Map<string, Uint8Array> = new Map<string, Uint8Array>()

  write(changes: readonly StoreChange[]): void {
    for (const { key, value } of changes) {
      if (value === undefined) this.values.delete(key)
      else this.values.set(key, Buffer.from(value))
    }
  }

  list(prefix: string, { after = '', limit = Infinity }: StorePage = {}): readonly string[] {
    const names = new Set<string>()
    for (const key of this.values.keys()) {
      if (!key.startsWith(prefix) || key === prefix) continue
      const rest = key.slice(prefix.length)
      const slash = rest.indexOf('/')
      names.add(slash === -1 ? rest : rest.slice(0, slash + 1))
    }
    const sorted = [...names].sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    return sorted.filter((name) => Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0).slice(0, limit)
  }
}
