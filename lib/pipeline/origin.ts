import type { Kept } from '../lease/kept.ts'
import type { Origin } from '../lease/line.ts'
import type { Caller } from '../model/caller.ts'
import type { Call, Identity } from './call.ts'

/** Sends the request of `previous` once more, for the caller who first asked. */
export type Remint = (origin: CallOrigin, previous: Kept) => Promise<Kept>

/**
 * What a call leaves behind so that its request can be sent once more: not its signal, its trace or its id, which
 * would live as long as the lease. One for all the leases of a caller, since there may be a million.
 */
export class CallOrigin implements Origin {
  readonly #remint: Remint
  readonly caller: Caller
  readonly identity: Identity
  readonly isHeld: boolean

  constructor(remint: Remint, { caller, identity, isHeld }: Call) {
    this.#remint = remint
    this.caller = caller
    this.identity = identity
    this.isHeld = isHeld === true
  }

  mint(previous: Kept): Promise<Kept> {
    return this.#remint(this, previous)
  }
}

/** Gives calls that differ in nothing an origin shares the same one. */
export function createOrigins(remint: Remint): (call: Call) => CallOrigin {
  const held = new WeakMap<Caller, CallOrigin>()
  const read = new WeakMap<Caller, CallOrigin>()
  return (call) => {
    const known = (call.isHeld === true ? held : read).get(call.caller)
    if (known?.identity === call.identity) return known
    const origin = new CallOrigin(remint, call)
    const origins = origin.isHeld ? held : read
    origins.set(call.caller, origin)
    return origin
  }
}
