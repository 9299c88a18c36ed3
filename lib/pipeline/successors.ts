import { LeaseError } from '../errors/index.ts'
import type { Seat } from '../lease/budget.ts'
import type { LeaseCache } from '../lease/cache.ts'
import type { Flight, Flights } from '../lease/flights.ts'
import { type Kept, requestOf } from '../lease/kept.ts'
import type { PolicyEngine } from '../policy/engine.ts'
import type { Call } from './call.ts'
import { denial } from './denial.ts'
import type { Entries } from './entries.ts'
import type { Landed } from './landed.ts'
import type { LeaseLimits } from './lease-limits.ts'
import type { CallOrigin } from './origin.ts'
import type { Refuse } from './refuse.ts'
import type { Release } from './release.ts'
import { subjectOf } from './serve-alone.ts'

/** Mints what takes the place of a lease that is about to end. */
export interface Successors {
  /** The request of `previous` once more, decided and recorded anew: policies may have changed. */
  remint(origin: CallOrigin, previous: Kept): Promise<Kept>
}

export interface SuccessorsDeps {
  readonly policy: PolicyEngine
  readonly entries: Entries
  readonly refuse: Refuse
  readonly leaseLimits: LeaseLimits
  readonly release: Release
  readonly cache: LeaseCache
  readonly nextId: () => string
  readonly flights: Flights<Landed>
  /** The exchange of a flight whose answer is nobody's yet. */
  readonly fly: (call: Call, key: string, seat: Seat) => Promise<Landed>
  /** Checks and records an answer. */
  readonly accept: (call: Call, landed: Landed) => Promise<void>
  readonly endUnwanted: (call: Call, key: string, flight: Flight<Landed>, landed: Landed) => Promise<void>
}

export function createSuccessors(deps: SuccessorsDeps): Successors {
  return {
    async remint({ caller, identity, isHeld }, previous): Promise<Kept> {
      const { cache, entries, nextId, policy } = deps
      const request = requestOf(previous)
      const verdict = policy.decide(caller, request)
      const who = { caller, identity, request, isHeld, isLogin: false }
      const call: Call = { ...who, id: nextId(), verdict, trace: undefined, signal: undefined, timeoutMs: undefined }
      if (verdict.decision.effect === 'deny') {
        throw await entries.failure(subjectOf(call), 'request', denial(verdict.decision, request))
      }
      const arrived = cache.depart()
      try {
        const kept = await mint(deps, call, previous.key)
        // Revoked on its way: it is given back.
        if (arrived(kept)) kept.end()
        return kept
      } finally {
        arrived(undefined)
      }
    },
  }
}

async function mint(deps: SuccessorsDeps, call: Call, key: string): Promise<Kept> {
  const { accept, endUnwanted, entries, flights, release } = deps
  const { request } = call
  const flight = flights.join(key) ?? (await started(deps, call, key))
  let landed: Landed
  try {
    landed = await flight.outcome
  } catch (error) {
    throw await entries.failure(subjectOf(call), 'response', error)
  } finally {
    flight.waiting -= 1
  }
  const { exchange, kept } = landed
  if (kept === undefined) {
    await release(exchange, request)
    throw new LeaseError('ERR_PORTCULLIS_LEASE_NONE', `${request.operation} ${request.path} no longer gives a lease`)
  }
  try {
    await accept(call, landed)
  } catch (error) {
    await endUnwanted(call, key, flight, landed)
    throw error
  }
  return kept
}

/** Its caller's rules have to have room: predecessors that do not go would pile up. */
async function started(
  { fly, flights, leaseLimits, refuse }: SuccessorsDeps,
  call: Call,
  key: string,
): Promise<Flight<Landed>> {
  let seat: Seat
  try {
    seat = leaseLimits.succeed(call)
  } catch (error) {
    return refuse(call, error)
  }
  return flights.start(key, () => fly(call, key, seat))
}
