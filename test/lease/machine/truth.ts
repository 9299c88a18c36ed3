import assert from 'node:assert/strict'
import type { ServerAnswer } from '../../../lib/model/server-answer.ts'
import type { Transport } from '../../../lib/ports/transport.ts'
import type { FakeClock } from '../../../lib/testing/fake-clock.ts'
import type { FakeServer } from '../../../lib/testing/fake-server.ts'

/** Longest time for which the design lets a lease be served that died elsewhere. */
const VERIFY_MS = 5_000
/** A token that is killed again within this time of a kill is replaced, and its leases with it, only after it. */
const FORCED_LOGIN_MS = 30_000
/** Whole seconds on the wire. */
const ROUNDING_MS = 1_000

/** What a value looked like when somebody was given it. */
export interface Served {
  readonly user: string
  readonly ttlMs: number
  readonly verifiedMs: number
  /** When it was asked for. */
  readonly askedAtMs: number
}

type Cause = 'elsewhere' | 'token' | 'here'

/** What the server knows of the leases that came to us, and when those that did not lapse died. */
export class Truth {
  readonly #clock: FakeClock
  readonly #server: FakeServer
  /** Lease id by user, of answers that reached us. */
  readonly #ids = new Map<string, string>()
  readonly #deaths = new Map<string, { readonly atMs: number; readonly cause: Cause }>()
  /** Users that a read gave away: left to lapse. */
  readonly givenAway: Set<string> = new Set()
  /** Named by revocations under way: they may be dead already. */
  readonly revoking: Set<string> = new Set()
  readonly #kills: number[] = []
  /** Did somebody change an end behind our back, or were look-ups refused? Then only what cannot be excused is held against us. */
  isBlinded: boolean = false
  isShortened: boolean = false

  constructor(clock: FakeClock, server: FakeServer) {
    this.#clock = clock
    this.#server = server
  }

  /** The server's transport, overheard. */
  overheard(transport: Transport): Transport {
    return {
      ...transport,
      send: async (request, options): Promise<ServerAnswer> => {
        const answer = await transport.send(request, options)
        const user = answer.data?.username
        if (answer.leaseId !== '' && typeof user === 'string') this.#ids.set(user, answer.leaseId)
        return answer
      },
    }
  }

  /** Ids of leases that live at the server and came to us. */
  living(): readonly string[] {
    const living = new Set(this.#server.leases().map(({ id }) => id))
    return [...this.#ids.values()].filter((id) => living.has(id))
  }

  isAlive(user: string): boolean {
    const id = this.#ids.get(user)
    return id !== undefined && this.living().includes(id)
  }

  idOf(user: string): string {
    return this.#ids.get(user) ?? 'unknown'
  }

  userOf(id: string): string {
    return [...this.#ids].find(([, each]) => each === id)?.[0] ?? 'unknown'
  }

  /** Notes what `act` ends at the server. */
  watch(cause: Cause, act: () => void): void {
    const before = this.#server.leases().map(({ id }) => id)
    act()
    const after = new Set(this.#server.leases().map(({ id }) => id))
    this.died(
      before.filter((id) => !after.has(id)),
      cause,
    )
    if (cause === 'token') this.#kills.push(this.#clock.now())
  }

  died(ids: readonly string[], cause: Cause): void {
    const atMs = this.#clock.now()
    for (const id of ids) if (!this.#deaths.has(id)) this.#deaths.set(id, { atMs, cause })
  }

  /**
   * Fails where nothing excuses that a dead lease was served, or that its time left is not true.
   *
   * @param isHeld - The value was taken without waiting for a look-up: what it says of its proof has to be true, no more.
   */
  check(served: Served, what: string, isHeld = false): void {
    const id = this.idOf(served.user)
    const nowMs = this.#clock.now()
    const live = this.#server.leases().find((lease) => lease.id === id)
    if (live !== undefined) {
      this.#checkTime(served, live, what)
      return
    }
    const death = this.#deaths.get(id)
    if (death === undefined && (this.isShortened || this.revoking.has(id))) return
    assert.ok(death !== undefined, `${what}: ${served.user} was served past its end`)
    // Asked for before it died: it was on its way.
    if (served.askedAtMs <= death.atMs) return
    const servedMs = nowMs - death.atMs
    assert.notEqual(death.cause, 'here', `${what}: served ${servedMs} ms after it was revoked through the gateway`)
    assert.ok(
      served.verifiedMs + ROUNDING_MS >= servedMs,
      `${what}: dead for ${servedMs} ms, verified ${served.verifiedMs} ms ago?`,
    )
    if (!this.isBlinded && !isHeld)
      assert.ok(servedMs <= this.#boundMs(death), `${what}: served ${servedMs} ms after it died`)
  }

  /** While a token killed again is not replaced yet, it looks no lease up either, whatever that one died of. */
  #boundMs({ atMs }: { readonly atMs: number }): number {
    // Its own kill is among them; another may have come in the same millisecond.
    const kills = this.#kills.filter((killedAtMs) => killedAtMs <= atMs && atMs - killedAtMs <= FORCED_LOGIN_MS)
    const isSecond = kills.length > 1
    return VERIFY_MS + ROUNDING_MS + (isSecond ? FORCED_LOGIN_MS : 0)
  }

  #checkTime(served: Served, live: { readonly ttlMs: number; readonly ownerAccessor: string }, what: string): void {
    assert.ok(served.ttlMs > 0, `${what}: no time left is told`)
    if (this.isShortened) return
    const owner = this.#server.tokens().find(({ accessor }) => accessor === live.ownerAccessor)
    const leftMs = Math.min(live.ttlMs, owner?.ttlMs ?? 0)
    assert.ok(served.ttlMs <= leftMs + ROUNDING_MS, `${what}: ${served.ttlMs} ms told, ${leftMs} ms left`)
  }
}
