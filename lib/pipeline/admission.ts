import type { AloneLeases } from '../lease/alone-leases.ts'
import type { Budget, Counted, Seat } from '../lease/budget.ts'
import { BoundedMap } from '../model/bounded-map.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { Clock } from '../ports/clock.ts'
import { livesMs } from './lives.ts'
import type { Minting } from './minting.ts'
import type { Exchange } from './sender.ts'

/** Room for what one request may mint. */
export interface Room {
  /** Takes it, where the answer has a lease; gives what counts. */
  take(exchange: Exchange): Counted | undefined
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
  readonly minting: Minting
  readonly clock: Clock
  /** Told of each lease that was not asked for. */
  readonly onRefused: () => void
}

/** Paths remembered to mint. */
const PATHS = 10_000

export function createAdmission(deps: AdmissionDeps): Admission {
  return new BudgetAdmission(deps)
}

class BudgetAdmission implements Admission {
  readonly #deps: AdmissionDeps
  /** Where a request that served its caller alone was answered with a lease. */
  readonly #minting = new BoundedMap<true>(PATHS)

  constructor(deps: AdmissionDeps) {
    this.#deps = deps
  }

  async shared(request: GatewayRequest, isStatic: boolean): Promise<Seat> {
    const { budget, clock, minting, onRefused } = this.#deps
    const { namespace, path } = request
    if (isStatic || minting.known(request) === false) return budget.pass(namespace, path)
    try {
      return await budget.admit(namespace, path, clock.now())
    } catch (error) {
      if (!(await minting.ask(request))) return budget.pass(namespace, path)
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
        if (exchange.answer.leaseId === '') return undefined
        const taken = seat ?? budget.pass(namespace, path)
        seat = undefined
        const counted = this.#note(exchange, request)
        taken.land(counted, clock.now())
        return counted
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
}
