import type { Http2Connection } from '../http2/connection.ts'

/** Calls left on a connection when the next one is made; on a connection of few calls half of them. */
const EARLY = 1_000_000

/** The connection that calls go over; another one takes its place before its numbers of calls run out. */
export class Renewal {
  /** Resolves when the connection has ended, by whichever side. */
  readonly ended: Promise<void>
  readonly #connect: () => Promise<Http2Connection>
  /** Numbers left at which the next try is made. */
  #nextTry: number
  /** Those whose place was taken, as long as calls are under way on them. */
  readonly #old = new Set<Http2Connection>()
  #current: Http2Connection
  #renewing: Promise<void> | undefined
  #onEnd: () => void = () => {}
  #isEnded = false

  constructor(first: Http2Connection, connect: () => Promise<Http2Connection>) {
    this.#current = first
    this.#connect = connect
    this.#nextTry = earlyOf(first)
    this.ended = new Promise((resolve) => {
      this.#onEnd = resolve
    })
    this.#watch(first)
  }

  get current(): Http2Connection {
    return this.#current
  }

  /** To be asked before each call: what it has to wait for, if anything. Never rejects. */
  awaited(): Promise<void> | undefined {
    const { streamsLeft } = this.#current
    if (streamsLeft > this.#nextTry || this.#current.isClosing) return undefined
    this.#renewing ??= this.#renew().finally(() => {
      this.#renewing = undefined
    })
    return streamsLeft < 1 ? this.#renewing : undefined
  }

  async close(): Promise<void> {
    const all = [...this.#old, this.#current]
    for (const connection of all) connection.destroy('the connection was closed')
    await Promise.all(all.map(({ closed }) => closed))
  }

  /** Where it fails it is tried again a tenth of the way further on; with no numbers left calls fail. */
  async #renew(): Promise<void> {
    const next = await this.#connected()
    if (next === undefined) {
      this.#nextTry = Math.floor(this.#current.streamsLeft * 0.9)
      if (this.#current.streamsLeft < 1) this.#current.close()
      return
    }
    if (this.#isEnded) {
      next.destroy('the connection was closed')
      return
    }
    const old = this.#current
    this.#current = next
    this.#nextTry = earlyOf(next)
    this.#watch(next)
    this.#old.add(old)
    void old.closed.then(() => this.#old.delete(old))
    old.close()
  }

  /** One that really works: a socket can be taken and dropped. */
  async #connected(): Promise<Http2Connection | undefined> {
    const next = await this.#connect().catch(() => undefined)
    return (await next?.ready) === true ? next : undefined
  }

  #watch(connection: Http2Connection): void {
    void connection.closed.then(() => {
      if (connection !== this.#current) return
      this.#isEnded = true
      this.#onEnd()
    })
  }
}

function earlyOf({ streamsLeft }: Http2Connection): number {
  return Math.min(EARLY, Math.floor(streamsLeft / 2))
}
