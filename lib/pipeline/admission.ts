import type { AloneLeases } from '../lease/alone-leases.ts'
import type { Budget, Counted, Seat } from '../lease/budget.ts'
import { BoundedMap } from '../model/bounded-map.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { Clock } from '../ports/clock.ts'
import { livesMs } from './lives.ts'
import { mayMint } from './may-mint.ts'
import type { Mounts } from './mounts.ts'
import type { Exchange } from './sender.ts'

/** Room for what one request may mint. */
export interface Room {
  /** Takes it, where the answer has a lease. */
  take(exchange: Exchange): void
  /** Gives it back, unless it was taken. */
  leave(): void
}

/** Lets in what may mint while the budget has room, and whatever mints nothing always. */
export interface Admission {
  /**
   * A seat for what is sent for all who ask at once.
   *
   * @param isStatic - Was it answered without a lease before?
   * @throws {LeaseError} `ERR_PORTCULLIS_LEASE_BUDGET`, where it may mint.
   */
  shared(request: GatewayRequest, isStatic: boolean): Promise<Seat>
  /**
   * Room for what serves its caller alone: refused only on paths where such a request was answered with a lease before.
   *
   * @throws {LeaseError} `ERR_PORTCULLIS_LEASE_BUDGET`
   */
  alone(request: GatewayRequest): Promise<Room>
}

export interface AdmissionDeps {
  readonly budget: Budget
  readonly alone: AloneLeases
  readonly mounts: Mounts
  readonly clock: Clock
  /** Told of each lease that was not asked for. */
  readonly onRefused: () => void
}

/** Paths remembered to mint, and paths of which nobody knows. */
const PATHS = 10_000
/** How long a mount that could not be found out is not asked after again: a loop must not become one of look-ups. */
const UNKNOWN_MS = 10_000

export function createAdmission(deps: AdmissionDeps): Admission {
  return new BudgetAdmission(deps)
}

class BudgetAdmission implements Admission {
  readonly #deps: AdmissionDeps
  /** Where a request that served its caller alone was answered with a lease. */
  readonly #minting = new BoundedMap<true>(PATHS)
  readonly #unknownUntilMs = new BoundedMap<number>(PATHS)

  constructor(deps: AdmissionDeps) {
    this.#deps = deps
  }

  async shared(request: GatewayRequest, isStatic: boolean): Promise<Seat> {
    const { budget, clock, mounts, onRefused } = this.#deps
    const { namespace, path } = request
    const mount = mounts.known(namespace, path)
    const isFree = isStatic || (mount !== undefined && !mayMint(mount, request))
    if (isFree) return budget.pass(namespace, path)
    try {
      return await budget.admit(namespace, path, clock.now())
    } catch (error) {
      if (!(await this.#mayMint(request))) return budget.pass(namespace, path)
      onRefused()
      throw error
    }
  }

  async alone(request: GatewayRequest): Promise<Room> {
    const { budget, clock, onRefused } = this.#deps
    const { namespace, path } = request
    let seat: Seat | undefined
    if (this.#minting.get(`${namespace}|${path}`) === true) {
      try {
        seat = await budget.admit(namespace, path, clock.now())
      } catch (error) {
        onRefused()
        throw error
      }
    }
    return {
      take: (exchange) => {
        if (exchange.answer.leaseId === '') return
        const taken = seat ?? budget.pass(namespace, path)
        seat = undefined
        taken.land(this.#note(exchange, request), clock.now())
      },
      leave: () => {
        seat?.leave()
        seat = undefined
      },
    }
  }

  #note(exchange: Exchange, { namespace, path }: GatewayRequest): Counted {
    const { alone, clock } = this.#deps
    const { answer, sentAt, token } = exchange
    this.#minting.set(`${namespace}|${path}`, true)
    const endsAtMs = sentAt.nowMs + livesMs(exchange)
    return alone.note({ leaseId: answer.leaseId, namespace }, endsAtMs, token?.fate, clock.now())
  }

  /** Asked of the server where it is not known; what nobody knows may mint. */
  async #mayMint(request: GatewayRequest): Promise<boolean> {
    const { clock, mounts } = this.#deps
    const { namespace, operation, path } = request
    if (operation === 'list') return false
    if (operation !== 'read') return true
    const key = `${namespace}|${path}`
    if (clock.now() < (this.#unknownUntilMs.get(key) ?? 0)) return true
    try {
      return mayMint(await mounts.of(namespace, path), request)
    } catch {
      this.#unknownUntilMs.set(key, clock.now() + UNKNOWN_MS)
      return true
    }
  }
}
