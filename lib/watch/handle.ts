import { EventEmitter } from 'eventemitter3'
import { WatchError } from '../errors/index.ts'
import type { Moment } from '../lease/kept.ts'
import type { Answer } from '../model/answer.ts'
import { quietly } from '../model/quietly.ts'
import type { Watch, WatchEvents } from '../model/watch.ts'
import type { Notice } from './state.ts'
import type { View, Viewer } from './view.ts'

export interface HandleDeps {
  readonly everyMs: number
  readonly path: string
  readonly moment: () => Moment
  readonly onClose: (handle: WatchHandle) => void
}

/** A watch, as its holder sees it. */
export class WatchHandle implements Watch, Viewer {
  readonly #view: View
  readonly #deps: HandleDeps
  readonly #events = new EventEmitter<WatchEvents>()
  #isClosed = false

  constructor(view: View, deps: HandleDeps) {
    this.#view = view
    this.#deps = deps
  }

  get everyMs(): number {
    return this.#deps.everyMs
  }

  get version(): number {
    return this.#view.version
  }

  current(): Answer {
    const { path, moment } = this.#deps
    if (this.#isClosed) throw new WatchError('ERR_PORTCULLIS_WATCH_CLOSED', `the watch on ${path} is closed`)
    const { state } = this.#view
    if (state.at === 'withdrawn') throw state.error
    const ageMs = elapsedMs(state.seen.sentAt, moment())
    const source = state.isStale ? 'stale' : 'cache'
    return state.seen.answer({ source, ageMs, ttlMs: Infinity, verifiedMs: ageMs })
  }

  on<E extends keyof WatchEvents>(event: E, listener: WatchEvents[E]): this {
    this.#events.on(event, listener as never)
    return this
  }

  off<E extends keyof WatchEvents>(event: E, listener: WatchEvents[E]): this {
    this.#events.off(event, listener as never)
    return this
  }

  close(): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#events.removeAllListeners()
    this.#deps.onClose(this)
  }

  told({ event, ...facts }: Notice): void {
    for (const listener of this.#events.listeners(event)) {
      quietly(() => (listener as (facts: object) => unknown)({ ...facts }))
    }
  }
}

/** By the clock that went further: one stands still while the machine sleeps, the other can be set back. */
function elapsedMs(from: Moment, at: Moment): number {
  return Math.max(at.nowMs - from.nowMs, at.wallMs - from.wallMs, 0)
}
