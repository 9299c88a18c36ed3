import type { JsonObject } from '../../model/json.ts'
import type { Clock } from '../../ports/clock.ts'
import { errorReply, type FakeReply, type FakeRequest, jsonReply } from './exchange.ts'

/** The version that the fake says it is. */
export const FAKE_VERSION = '2.7.2'

/** Is the server there to answer at all? Sealed, standby or active, and the paths that tell. */
export class Availability {
  #sealed = false
  #standby = false
  #active: string | undefined

  seal(): void {
    this.#sealed = true
  }

  unseal(): void {
    this.#sealed = false
  }

  /** Makes it a standby. With the address of an active server it redirects there, else it refuses. */
  stepDown(active?: string): void {
    this.#standby = true
    this.#active = active
  }

  stepUp(): void {
    this.#standby = false
    this.#active = undefined
  }

  /** The reply to what is answered in any state, and to all else while it cannot serve; `undefined` where it can. */
  reply(request: FakeRequest, clock: Clock): FakeReply | undefined {
    if (request.path === 'sys/health') return this.#health(request, clock)
    if (request.path === 'sys/seal-status') return jsonReply(200, this.#sealStatus())
    if (request.path === 'sys/unseal') {
      this.unseal()
      return jsonReply(200, this.#sealStatus())
    }
    if (this.#sealed) return errorReply(503, ['Vault is sealed'])
    if (!this.#standby) return undefined
    if (this.#active === undefined) return errorReply(500, ['local node not active but active cluster node not found'])
    const query = new URLSearchParams(request.query).toString()
    const location = `${this.#active}/v1/${encodeURI(request.path)}${query === '' ? '' : `?${query}`}`
    return { status: 307, headers: { location }, body: new Uint8Array() }
  }

  #health({ query }: FakeRequest, clock: Clock): FakeReply {
    const status = this.#sealed
      ? Number(query.sealedcode ?? 503)
      : this.#standby && query.standbyok === undefined
        ? Number(query.standbycode ?? 429)
        : Number(query.activecode ?? 200)
    return jsonReply(status, {
      initialized: true,
      sealed: this.#sealed,
      standby: this.#standby || this.#sealed,
      server_time_utc: Math.floor(clock.wallTime() / 1000),
      version: FAKE_VERSION,
    })
  }

  #sealStatus(): JsonObject {
    return { type: 'shamir', initialized: true, sealed: this.#sealed, t: 1, n: 1, progress: 0, version: FAKE_VERSION }
  }
}
