import { LeaseError } from '../errors/index.ts'

/** A lease as the budget sees it. */
export interface Counted {
  /** Time left by the monotonic clock; a wall clock that was set makes no room. */
  leftMs(nowMs: number): number
}

/** Caps on leases that live at once. */
export interface BudgetOptions {
  /** On one path, which for most engines is one role, whatever query or body asks for. `Infinity`: no cap. */
  readonly maxPerPath: number
  /** In the whole process. */
  readonly max: number
}

/** Room for one lease that is about to be asked for. Exactly one of its methods is called, once. */
export interface Seat {
  /** It was minted: it counts until its end. */
  land(lease: Counted, nowMs: number): void
  /** None was minted: there is room for another. */
  leave(): void
}

/** Stops a loop that mints here, before the server or the database falls over. */
export interface Budget {
  /**
   * Takes a seat. Called before what may mint is sent, also for what turns out to be static: while such
   * are under way and a cap is reached, the next one waits to see what becomes of them.
   *
   * @throws {LeaseError} `ERR_PORTCULLIS_LEASE_BUDGET` when a cap is reached.
   */
  admit(namespace: string, path: string, nowMs: number): Seat | Promise<Seat>
  /** A seat for what mints nothing that is kept. Not refused. */
  pass(namespace: string, path: string): Seat
  /**
   * A seat for the successor of a lease that lives, whose predecessor is about to go: the caps hold twice as many then.
   *
   * @throws {LeaseError} `ERR_PORTCULLIS_LEASE_BUDGET` when that is reached: predecessors that do not go, because the server
   *   does not let us revoke them, would pile up.
   */
  succeed(namespace: string, path: string, nowMs: number): Seat
  /** It could not be ended, and counts to its end. */
  leaked(namespace: string, path: string, lease: Counted, nowMs: number): void
  /** Seats taken; the leases on some may have ended since. */
  readonly size: number
}

/**
 * Counts lazily: what has ended is dropped when a cap seems reached, or when a path has grown twofold.
 */
export function createBudget(options: BudgetOptions): Budget {
  return new SeatBudget(options)
}

type Paths = Map<string, Counted | Several>

class SeatBudget implements Budget {
  readonly #options: BudgetOptions
  readonly #namespaces = new Map<string, Paths>()
  #landed = 0
  /** Seats under way, by namespace and path. */
  readonly #underWay = new Map<string, number>()
  #allUnderWay = 0
  /** Those who wait for one of them to be taken or left. */
  #waiting: (() => void)[] = []

  constructor(options: BudgetOptions) {
    this.#options = options
  }

  get size(): number {
    return this.#landed + this.#allUnderWay
  }

  admit(namespace: string, path: string, nowMs: number): Seat | Promise<Seat> {
    return this.#mustWait(namespace, path, nowMs)
      ? this.#admitLater(namespace, path, nowMs)
      : this.pass(namespace, path)
  }

  leaked(namespace: string, path: string, lease: Counted, nowMs: number): void {
    this.#add(namespace, path, lease, nowMs)
  }

  succeed(namespace: string, path: string, nowMs: number): Seat {
    const { maxPerPath, max } = this.#options
    const paths = this.#namespaces.get(namespace)
    const underWay = this.#underWay.get(`${namespace}|${path}`) ?? 0
    let here = leasesOf(paths?.get(path)).length + underWay
    if (paths !== undefined && here >= 2 * maxPerPath) here = this.#prune(paths, path, nowMs) + underWay
    if (here >= 2 * maxPerPath) throw this.#exhausted(path, `${here} leases live on it already, and do not go`)
    if (this.size >= 2 * max) this.#pruneAll(nowMs)
    if (this.size >= 2 * max)
      throw this.#exhausted(path, `${this.size} leases live in this process already, and do not go`)
    return this.pass(namespace, path)
  }

  pass(namespace: string, path: string): Seat {
    this.#move(namespace, path, 1)
    return {
      land: (lease, nowMs) => {
        this.#add(namespace, path, lease, nowMs)
        this.#move(namespace, path, -1)
      },
      leave: () => this.#move(namespace, path, -1),
    }
  }

  /** What has lived until the older reading may have ended since: then it is refused, and may be asked for again. */
  async #admitLater(namespace: string, path: string, nowMs: number): Promise<Seat> {
    do await new Promise<void>((resolve) => this.#waiting.push(resolve))
    while (this.#mustWait(namespace, path, nowMs))
    return this.pass(namespace, path)
  }

  /** @throws {LeaseError} there is no room, whatever becomes of those under way. */
  #mustWait(namespace: string, path: string, nowMs: number): boolean {
    const { maxPerPath, max } = this.#options
    const paths = this.#namespaces.get(namespace)
    const underWay = this.#underWay.get(`${namespace}|${path}`) ?? 0
    let here = leasesOf(paths?.get(path)).length
    if (paths !== undefined && here + underWay >= maxPerPath) here = this.#prune(paths, path, nowMs)
    if (here >= maxPerPath) throw this.#exhausted(path, `${maxPerPath} leases live on it already`)
    if (this.size >= max) this.#pruneAll(nowMs)
    if (this.#landed >= max) throw this.#exhausted(path, `${max} leases live in this process already`)
    return here + underWay >= maxPerPath || this.size >= max
  }

  #add(namespace: string, path: string, lease: Counted, nowMs: number): void {
    const paths: Paths = this.#namespaces.get(namespace) ?? new Map()
    this.#namespaces.set(namespace, paths)
    this.#landed += 1
    const here = paths.get(path)
    if (here === undefined) paths.set(path, lease)
    else if (!(here instanceof Several)) paths.set(path, new Several([here, lease]))
    else if (here.leases.push(lease) >= here.pruneAt) this.#prune(paths, path, nowMs)
  }

  /** Counts seats under way, and lets those who wait look again when there is one less. */
  #move(namespace: string, path: string, by: 1 | -1): void {
    const key = `${namespace}|${path}`
    const count = (this.#underWay.get(key) ?? 0) + by
    if (count === 0) this.#underWay.delete(key)
    else this.#underWay.set(key, count)
    this.#allUnderWay += by
    if (by === 1) return
    const waiting = this.#waiting
    this.#waiting = []
    for (const look of waiting) look()
  }

  #pruneAll(nowMs: number): void {
    for (const paths of this.#namespaces.values()) for (const path of [...paths.keys()]) this.#prune(paths, path, nowMs)
  }

  #prune(paths: Paths, path: string, nowMs: number): number {
    const counted = leasesOf(paths.get(path))
    const living = counted.filter((lease) => lease.leftMs(nowMs) > 0)
    this.#landed -= counted.length - living.length
    const [first] = living
    if (first === undefined) paths.delete(path)
    else paths.set(path, living.length === 1 ? first : new Several(living))
    return living.length
  }

  #exhausted(path: string, why: string): LeaseError {
    return new LeaseError('ERR_PORTCULLIS_LEASE_BUDGET', `no lease on ${path} was asked for: ${why}`)
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
