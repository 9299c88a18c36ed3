import { type Notice, type Outcome, outcomeOf, type Seen, type State, step, versionOf } from './state.ts'

/** Looks at the server for one caller: decided and recorded each time. `isBackground`: nobody waits for it. */
export type Look = (isBackground: boolean) => Promise<Seen>

/** Someone who is told what becomes of a view. */
export interface Viewer {
  readonly everyMs: number
  told(notice: Notice): void
}

/** What one caller sees of one secret; shared by all its watches. */
export class View {
  readonly #look: Look
  readonly #onOutcome: (kind: Outcome['kind']) => void
  readonly viewers: Set<Viewer> = new Set()
  /** Calls of `watch()` that wait for the first sight. */
  waiting = 0
  #state: State | undefined
  #looking: Promise<Outcome> | undefined

  constructor(look: Look, onOutcome: (kind: Outcome['kind']) => void) {
    this.#look = look
    this.#onOutcome = onOutcome
  }

  get isUnused(): boolean {
    return this.viewers.size === 0 && this.waiting === 0
  }

  /** @throws {Error} before the first sight: nobody holds a view then. */
  get state(): State {
    if (this.#state === undefined) throw new Error('nothing was seen yet')
    return this.#state
  }

  get version(): number {
    return versionOf(this.state)
  }

  /** One look for all who ask at once. Never rejects. */
  look(isBackground: boolean): Promise<Outcome> {
    this.#looking ??= this.#lookOnce(isBackground).finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #lookOnce(isBackground: boolean): Promise<Outcome> {
    const outcome = await this.#look(isBackground).then((seen) => ({ kind: 'seen', seen }) as const, outcomeOf)
    this.#onOutcome(outcome.kind)
    if (this.#state !== undefined) this.#step(this.#state, outcome)
    else if (outcome.kind === 'seen') this.#state = { at: 'seen', seen: outcome.seen, isStale: false }
    return outcome
  }

  #step(before: State, outcome: Outcome): void {
    const { state, notice } = step(before, outcome)
    this.#state = state
    if (notice === undefined) return
    for (const viewer of this.viewers) viewer.told(notice)
  }
}
