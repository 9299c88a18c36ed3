import { LeaseError } from '../errors/index.ts'
import type { Moment } from './kept.ts'

/** A lease as the budget sees it. */
export interface Counted {
  ttlMs(at: Moment): number
}

/** Caps on leases that live at once. */
export interface BudgetOptions {
  /** On one path, which for most engines is one role. `Infinity`: no cap. */
  readonly maxPerPath: number
  /** In the whole process. */
  readonly max: number
}

/** Stops a loop that mints here, before the server or the database falls over. */
export interface Budget {
  /** @throws {LeaseError} `ERR_PORTCULLIS_LEASE_BUDGET` when a cap is reached. Called before what may mint is sent. */
  admit(namespace: string, path: string, at: Moment): void
  add(namespace: string, path: string, lease: Counted, at: Moment): void
  /** Leases counted; some may have ended since. */
  readonly size: number
}

/** Counts lazily: what has ended is dropped when a cap seems reached, or when a path has grown twofold. */
export function createBudget({ maxPerPath, max }: BudgetOptions): Budget {
  const paths = new Map<string, { leases: Counted[]; pruneAt: number }>()
  let size = 0
  const prune = (key: string, at: Moment): number => {
    const counted = paths.get(key)
    if (counted === undefined) return 0
    const living = counted.leases.filter((lease) => lease.ttlMs(at) > 0)
    size -= counted.leases.length - living.length
    counted.leases = living
    counted.pruneAt = Math.max(16, living.length * 2)
    if (living.length === 0) paths.delete(key)
    return living.length
  }
  return {
    get size(): number {
      return size
    },
    admit(namespace, path, at): void {
      const key = `${namespace}|${path}`
      const here = paths.get(key)?.leases.length ?? 0
      if (here >= maxPerPath && prune(key, at) >= maxPerPath)
        throw exhausted(path, `${maxPerPath} leases live on it already`)
      if (size < max) return
      for (const each of [...paths.keys()]) prune(each, at)
      if (size >= max) throw exhausted(path, `${max} leases live in this process already`)
    },
    add(namespace, path, lease, at): void {
      const key = `${namespace}|${path}`
      const counted = paths.get(key) ?? { leases: [], pruneAt: 16 }
      paths.set(key, counted)
      counted.leases.push(lease)
      size += 1
      if (counted.leases.length >= counted.pruneAt) prune(key, at)
    },
  }
}

function exhausted(path: string, why: string): LeaseError {
  return new LeaseError('ERR_PORTCULLIS_LEASE_BUDGET', `no lease on ${path} was asked for: ${why}`)
}
