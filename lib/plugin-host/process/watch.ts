import type { Clock, Timer } from '../../ports/clock.ts'
import type { PluginChild } from './launch.ts'
import { residentBytes } from './process-table.ts'

const PERIOD_MS = 1000
/** More processes than any plugin needs: one that forks without end. */
const MAX_PROCESSES = 256

/** A process under watch. */
export interface Watched {
  readonly child: PluginChild
  readonly memoryBytes: number
  /** Says why it is about to be killed. */
  readonly onExcess: (what: string) => void
}

/**
 * Looks once a second at the memory and the number of processes of all plugins, and kills what takes too much.
 *
 * The second line of defence: `prlimit` stops one process at its own limit, this adds up all that it forked.
 */
export class Watch {
  readonly #clock: Clock
  readonly #watched = new Set<Watched>()
  #timer: Timer | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @returns what ends it. */
  add(watched: Watched): () => void {
    this.#watched.add(watched)
    this.#timer ??= this.#clock.after(PERIOD_MS, () => this.#look())
    return () => {
      this.#watched.delete(watched)
      if (this.#watched.size > 0) return
      this.#timer?.cancel()
      this.#timer = undefined
    }
  }

  #look(): void {
    this.#timer = this.#clock.after(PERIOD_MS, () => this.#look())
    for (const watched of this.#watched) check(watched)
  }
}

function check({ child, memoryBytes, onExcess }: Watched): void {
  const family = child.family()
  const bytes = family.reduce((sum, pid) => sum + residentBytes(pid), 0)
  const excess =
    bytes > memoryBytes
      ? `it holds more than ${memoryBytes} bytes of memory`
      : family.length > MAX_PROCESSES
        ? `it has started more than ${MAX_PROCESSES} processes`
        : undefined
  if (excess === undefined) return
  onExcess(excess)
  child.kill()
}
