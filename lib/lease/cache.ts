import { LRUCache } from 'lru-cache'
import type { EvictTarget } from '../model/gateway.ts'
import type { Kept, Moment } from './kept.ts'

/** What a rule's `cache` grants, as far as the cache needs it. */
export interface KeepGrant {
  readonly ttlMs: number
  readonly staleIfErrorMs: number
}

/** Answers kept for the next caller. The caller has been decided and recorded before it sees one. */
export interface LeaseCache {
  /** The entry that may serve now; `undefined` past its end, or where no `grant` covers what has no lease. */
  get(key: string, grant: KeepGrant | undefined, at: Moment): Kept | undefined
  /** The entry that may serve because the server cannot: within the grant's stale time, never a lease past its end. */
  getStale(key: string, grant: KeepGrant | undefined, at: Moment): Kept | undefined
  /**
   * @param isTended - It is kept alive, so it is dropped for its end alone and not for want of room: whoever asks
   *   next would have another one minted. The budget bounds how many there are.
   */
  put(key: string, kept: Kept, isTended?: boolean): void
  /** Drops `kept` if `key` still holds it. */
  drop(key: string, kept: Kept): void
  /** Something newer was seen: drops what `key` holds if it was asked for before `sentAtMs`. Not a lease, which has its own end. */
  outdate(key: string, sentAtMs: number): void
  evict(target: EvictTarget, defaultNamespace: string): number
  /**
   * Drops every entry that `isMeant`; gives their number.
   *
   * @param onArrival - What is to become of one that was on its way, and is dropped as soon as it is here.
   */
  evictWhere(isMeant: (kept: Kept) => boolean, onArrival?: (kept: Kept) => void): number
  /** Begins to watch evictions for something on its way. The function it gives ends that, and tells whether `kept`, now that it is here, was meant by one. */
  depart(): (kept: Kept | undefined) => boolean
  /** How often something was evicted. */
  readonly evictions: number
  readonly size: number
}

/** An eviction, as what is on its way will meet it. */
interface Wish {
  readonly isMeant: (kept: Kept) => boolean
  readonly onArrival: ((kept: Kept) => void) | undefined
}

/** A cache of at most `maxEntries`, and of what is kept alive. Ends are judged at each look-up by both clocks; no timer. */
export function createLeaseCache(maxEntries: number): LeaseCache {
  const entries = new LRUCache<string, Kept>({ max: maxEntries })
  const tended = new Map<string, Kept>()
  const onTheWay = new Set<Wish[]>()
  let evictions = 0
  const find = (key: string): Kept | undefined => tended.get(key) ?? entries.get(key)
  const remove = (key: string): boolean => {
    const wasTended = tended.delete(key)
    return entries.delete(key) || wasTended
  }
  const evictWhere = (isMeant: Wish['isMeant'], onArrival?: Wish['onArrival']): number => {
    evictions += 1
    for (const wishes of onTheWay) wishes.push({ isMeant, onArrival })
    let count = 0
    for (const [key, kept] of [...tended, ...entries.entries()]) {
      if (isMeant(kept) && remove(key)) count += 1
    }
    return count
  }
  return {
    get evictions(): number {
      return evictions
    },
    get size(): number {
      return entries.size + tended.size
    },
    depart(): (kept: Kept | undefined) => boolean {
      const wishes: Wish[] = []
      onTheWay.add(wishes)
      return (kept) => {
        onTheWay.delete(wishes)
        const met = kept === undefined ? [] : wishes.filter(({ isMeant }) => isMeant(kept))
        for (const { onArrival } of met) onArrival?.(kept as Kept)
        return met.length > 0
      }
    },
    get(key, grant, at): Kept | undefined {
      const kept = find(key)
      if (kept === undefined || isFresh(kept, grant, at)) return kept
      if (kept.isOver(at) && !kept.isDoubtful(at)) remove(key)
      return undefined
    },
    getStale(key, grant, at): Kept | undefined {
      const kept = find(key)
      if (kept === undefined || grant === undefined || kept.ttlMs(at) <= 0) return undefined
      return kept.ageMs(at) < grant.ttlMs + grant.staleIfErrorMs ? kept : undefined
    },
    put(key, kept, isTended = false): void {
      remove(key)
      if (isTended) tended.set(key, kept)
      else entries.set(key, kept)
    },
    drop(key, kept): void {
      if (tended.get(key) === kept || entries.peek(key) === kept) remove(key)
    },
    outdate(key, sentAtMs): void {
      const kept = entries.peek(key)
      if (kept?.isLeased === false && kept.sentAtMs < sentAtMs) entries.delete(key)
    },
    evict: (target, defaultNamespace) => evictWhere((kept) => isMeant(kept, target, defaultNamespace)),
    evictWhere,
  }
}

/**
 * May `kept` serve now? What has no lease needs a `grant`, and is served for as long as that says.
 *
 * What is in doubt may, once it has been looked up.
 */
export function isFresh(kept: Kept, grant: KeepGrant | undefined, at: Moment): boolean {
  if (kept.isOver(at) && !kept.isDoubtful(at)) return false
  return grant === undefined ? kept.isLeased : kept.ageMs(at) < grant.ttlMs
}

function isMeant(kept: Kept, target: EvictTarget, defaultNamespace: string): boolean {
  if ('all' in target) return true
  if ('leaseId' in target) return kept.hasLease(target.leaseId)
  if (kept.namespace !== (target.namespace ?? defaultNamespace)) return false
  return 'path' in target ? kept.path === target.path : kept.path.startsWith(target.prefix)
}
