import type { Governor } from '../lease/governor.ts'
import type { Clock } from '../ports/clock.ts'
import type { Random } from '../ports/random.ts'
import type { Schedule, Scheduled } from '../ports/schedule.ts'
import { pollDelay } from './delay.ts'
import type { Outcome } from './state.ts'
import { type Look, View } from './view.ts'

export interface SourceDeps {
  readonly clock: Clock
  readonly random: Random
  readonly schedule: Schedule
  /** Spaces looks out: after a freeze all are due together. */
  readonly governor: Governor
  readonly onOutcome: (kind: Outcome['kind']) => void
}

/** One secret, as one identity reaches it: all who watch it look together, so that one request serves them. */
export class Source {
  readonly #deps: SourceDeps
  readonly #views = new Map<string, View>()
  #scheduled: Scheduled | undefined
  #dueMs = Infinity
  #isPolling = false
  /** A turn of the governor was waited for. */
  #hasTurn = false
  #failures = 0

  constructor(deps: SourceDeps) {
    this.#deps = deps
  }

  get isUnused(): boolean {
    return this.#views.size === 0
  }

  /** What the caller behind `key` sees. */
  view(key: string, look: Look): View {
    let view = this.#views.get(key)
    if (view === undefined) {
      view = new View(look, this.#deps.onOutcome)
      this.#views.set(key, view)
    }
    return view
  }

  /** Drops the view of `key` if nobody uses it. */
  tidy(key: string): void {
    if (this.#views.get(key)?.isUnused === true) this.#views.delete(key)
    if (this.#views.size === 0) this.#scheduled?.cancel()
  }

  /** Looks at the latest `everyMs` from now; a look that is due earlier stays. */
  plan(everyMs: number, retryAfterMs = 0): void {
    const { clock, random } = this.#deps
    const dueMs = clock.now() + pollDelay(everyMs, this.#failures, retryAfterMs, random.fraction())
    if (!this.#isPolling && dueMs < this.#dueMs) this.#due(dueMs)
  }

  close(): void {
    this.#scheduled?.cancel()
    this.#views.clear()
  }

  #due(dueMs: number): void {
    this.#dueMs = dueMs
    if (this.#scheduled === undefined) this.#scheduled = this.#deps.schedule.at(dueMs, () => this.#run())
    else this.#scheduled.reschedule(dueMs)
  }

  #run(): void {
    const { clock, governor } = this.#deps
    const nowMs = clock.now()
    const waitMs = this.#hasTurn ? 0 : governor.delay(nowMs)
    this.#hasTurn = waitMs > 0
    if (waitMs > 0) this.#due(nowMs + waitMs)
    else void this.#poll()
  }

  async #poll(): Promise<void> {
    this.#isPolling = true
    const outcomes = await Promise.all([...this.#views.values()].map((view) => view.look(true)))
    this.#isPolling = false
    this.#dueMs = Infinity
    const failed = outcomes.filter((outcome) => outcome.kind === 'failed')
    this.#failures = failed.length === 0 ? 0 : this.#failures + 1
    const viewers = [...this.#views.values()].flatMap((view) => [...view.viewers])
    if (viewers.length === 0) return
    const everyMs = Math.min(...viewers.map((viewer) => viewer.everyMs))
    this.plan(everyMs, Math.max(0, ...failed.map(({ error }) => retryAfterOf(error))))
  }
}

/** What the server asked us to wait; it is not believed beyond a day. */
function retryAfterOf(error: unknown): number {
  const asked = typeof error === 'object' && error !== null && 'retryAfterMs' in error ? error.retryAfterMs : 0
  return typeof asked === 'number' && asked > 0 ? Math.min(asked, 86_400_000) : 0
}
