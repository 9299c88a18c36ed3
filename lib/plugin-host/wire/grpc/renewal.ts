import type { Http2Connection } from '../http2/connection.ts'

/** Calls left on a connection when the next one is made; on a connection of few calls half of them. */
const EARLY = 1_000_000
/** A peer that asks to leave so soon after it was connected to is in no order; milliseconds. */
const SOON_MS = 1_000
/** How often in a row it may do so. */
const MAX_SOON = 5

/**
 * The connection that calls go over. Another one takes its place before its numbers of calls run out, and, where that is
 * wanted, when the peer asks to leave.
 */
export class Renewal {
  /** Resolves when there is no connection to call over any more, whichever side ended the last one. */
  readonly ended: Promise<void>
  readonly #connect: () => Promise<Http2Connection>
  readonly #reconnects: boolean
  /** Numbers left at which the next try is made. */
  #nextTry = 0
  /** Those whose place was taken, as long as calls are under way on them. */
  readonly #old = new Set<Http2Connection>()
  #current: Http2Connection
  #sinceMs = 0
  #soon = 0
  #renewing: Promise<void> | undefined
  #onEnd: () => void = () => {}
  #isEnded = false

  constructor(first: Http2Connection, connect: () => Promise<Http2Connection>, reconnects: boolean) {
    this.#connect = connect
    this.#reconnects = reconnects
    this.ended = new Promise((resolve) => {
      this.#onEnd = resolve
    })
    this.#current = first
    this.#use(first)
  }

  get current(): Http2Connection {
    return this.#current
  }

  /** To be asked before each call: what it has to wait for, if anything. Never rejects. */
  awaited(): Promise<void> | undefined {
    const { streamsLeft, isClosing, isLeft } = this.#current
    if (isLeft) return this.#renewing
    if (streamsLeft > this.#nextTry || isClosing) return undefined
    const renewing = this.#renewed()
    return streamsLeft < 1 ? renewing : undefined
  }

  async close(): Promise<void> {
    this.#end()
    const all = [...this.#old, this.#current]
    for (const connection of all) connection.destroy('the connection was closed')
    await Promise.all(all.map(({ closed }) => closed))
  }

  #use(connection: Http2Connection): void {
    this.#current = connection
    this.#sinceMs = performance.now()
    this.#nextTry = earlyOf(connection)
    connection.onLeave = () => this.#leave(connection)
    void connection.closed.then(() => {
      const isFollowed = connection.isLeft && this.#renewing !== undefined
      if (connection === this.#current && !isFollowed) this.#end()
    })
  }

  /** The peer asks to leave. One that always does is left alone: its channel ends with the connection. */
  #leave(connection: Http2Connection): void {
    if (!this.#reconnects || connection !== this.#current) return
    this.#soon = performance.now() - this.#sinceMs < SOON_MS ? this.#soon + 1 : 0
    if (this.#soon > MAX_SOON) this.#end()
    else void this.#renewed()
  }

  #renewed(): Promise<void> {
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined
    })
    return this.#renewing
  }

  /**
   * Where it fails it is tried again a tenth of the way further on; with no numbers left calls fail. Of a peer that asked
   * to leave that was the only try.
   */
  async #renew(): Promise<void> {
    const next = await this.#connected()
    if (this.#isEnded) {
      next?.destroy('the connection was closed')
      return
    }
    const old = this.#current
    if (next === undefined) {
      this.#nextTry = Math.floor(old.streamsLeft * 0.9)
      if (old.isLeft) this.#end()
      else if (old.streamsLeft < 1) old.close()
      return
    }
    this.#use(next)
    this.#old.add(old)
    void old.closed.then(() => this.#old.delete(old))
    old.close()
  }

  /** One that really works: a socket can be taken and dropped. */
  async #connected(): Promise<Http2Connection | undefined> {
    const next = await this.#connect().catch(() => undefined)
    return (await next?.ready) === true ? next : undefined
  }

  #end(): void {
    this.#isEnded = true
    this.#onEnd()
  }
}

function earlyOf({ streamsLeft }: Http2Connection): number {
  return Math.min(EARLY, Math.floor(streamsLeft / 2))
}
