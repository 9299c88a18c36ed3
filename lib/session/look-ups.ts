import type { Moment } from '../lease/kept.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { LiveToken } from './live-token.ts'
import { lookAround, lookUpSelf, type Seen } from './look-up.ts'
import { VERIFIED_FOR_MS } from './token-plan.ts'

export interface LookUpsDeps {
  readonly exchange: OwnExchange
  readonly clock: Clock
  /** It lives, and its end may have moved. */
  readonly onAlive: (live: LiveToken, ttlMs: number | undefined, sentAt: Moment) => void
}

/** Look-ups of a session's token: one for all who ask at once. */
export class LookUps {
  readonly #deps: LookUpsDeps

  constructor(deps: LookUpsDeps) {
    this.#deps = deps
  }

  /**
   * Looks it up because a request with it was refused: at most once a second, however many refusals a server policy causes.
   *
   * @param isWorthWaiting - The refusal sounds as if the token had died since the last look-up: then there is one more
   *   as soon as the second is over, shared by all who wait.
   * @returns `undefined`: it was looked up just now.
   */
  forRefusal(live: LiveToken, isWorthWaiting: boolean): Promise<Seen> | undefined {
    const waitMs = live.lookedUpAtMs + VERIFIED_FOR_MS - this.#deps.clock.now()
    if (waitMs <= 0 || live.seen !== undefined) return this.ask(live)
    if (!isWorthWaiting) return undefined
    live.nextSeen ??= this.#askLater(live, waitMs)
    return live.nextSeen
  }

  /** Never rejects. */
  ask(live: LiveToken): Promise<Seen> {
    live.seen ??= this.#ask(live).finally(() => {
      live.seen = undefined
      live.lookedUpAtMs = this.#deps.clock.now()
    })
    return live.seen
  }

  async #askLater(live: LiveToken, waitMs: number): Promise<Seen> {
    await new Promise<void>((resolve) => void this.#deps.clock.after(waitMs, resolve))
    live.nextSeen = undefined
    return this.ask(live)
  }

  async #ask(live: LiveToken): Promise<Seen> {
    const { clock, exchange, onAlive } = this.#deps
    if (live.isLimited) live.use()
    const sentAt = { nowMs: clock.now(), wallMs: clock.wallTime() }
    const seen = await this.#told(live, exchange)
    if (seen.kind !== 'alive' || live.token.fate.isDead) return seen
    live.verifiedAtMs = clock.now()
    onAlive(live, seen.ttlMs, sentAt)
    return seen
  }

  async #told(live: LiveToken, exchange: OwnExchange): Promise<Seen> {
    const { token } = live.token
    const seen = await lookUpSelf(exchange, token)
    if (seen.kind === 'alive') {
      live.hasLookedUp = true
      live.mayLookUp = true
    }
    if (seen.kind !== 'refused' || live.hasLookedUp) return seen
    const around = await lookAround(exchange, token)
    // Now it is no guess any more.
    if (around?.kind === 'refused') live.mayLookUp = true
    return around ?? seen
  }
}
