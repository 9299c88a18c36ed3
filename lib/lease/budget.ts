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

/**
 * Counts lazily: what has ended is dropped when a cap seems reached, or when a path has grown twofold.
 *
 * @param onRefused - Told of each lease that was not asked for.
 */
export function createBudget({ maxPerPath, max }: BudgetOptions, onRefused: () => void = () => {}): Budget {
  const namespaces = new Map<string, Map<string, Counted | Several>>()
  let size = 0
  const prune = (paths: Map<string, Counted | Several>, path: string, at: Moment): number => {
    const counted = leasesOf(paths.get(path))
    const living = counted.filter((lease) => lease.ttlMs(at) > 0)
    size -= counted.length - living.length
    const [first] = living
    if (first === undefined) paths.delete(path)
    else paths.set(path, living.length === 1 ? first : new Several(living))
    return living.length
  }
  const exhausted = (path: string, why: string): LeaseError => {
    onRefused()
    return new LeaseError('ERR_PORTCULLIS_LEASE_BUDGET', `no lease on ${path} was asked for: ${why}`)
  }
  return {
    get size(): number {
      return size
    },
    admit(namespace, path, at): void {
      const here = namespaces.get(namespace)
      const count = leasesOf(here?.get(path)).length
      if (here !== undefined && count >= maxPerPath && prune(here, path, at) >= maxPerPath)
        throw exhausted(path, `${maxPerPath} leases live on it already`)
      if (size < max) return
      for (const paths of namespaces.values()) for (const each of [...paths.keys()]) prune(paths, each, at)
      if (size >= max) throw exhausted(path, `${max} leases live in this process already`)
    },
    add(namespace, path, lease, at): void {
      const paths = namespaces.get(namespace) ?? new Map<string, Counted | Several>()
      namespaces.set(namespace, paths)
      size += 1
      const here = paths.get(path)
      if (here === undefined) paths.set(path, lease)
      else if (!(here instanceof Several)) paths.set(path, new Several([here, lease]))
      else if (here.leases.push(lease) >= here.pruneAt) prune(paths, path, at)
    },
  }
}

/** The leases of a path that has more than one; most have one, which then stands there itself. */
class Several {
  readonly leases: Counted[]
  readonly pruneAt: number

  constructor(leases: Counted[]) {
    this.leases = leases
    this.pruneAt = Math.max(16, leases.length * 2)
  }
}

function leasesOf(here: Counted | Several | undefined): readonly Counted[] {
  if (here === undefined) return []
  return here instanceof Several ? here.leases : [here]
}
