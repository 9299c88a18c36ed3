import { PluginError } from '../../errors/index.ts'
import type { Timer } from '../../ports/clock.ts'
import type { ProcessEvent } from './config.ts'
import { failure } from './failure.ts'
import type { ProcessHost } from './host.ts'
import type { PluginProcess } from './plugin-process.ts'
import type { CatalogEntry } from './plugins.ts'
import { afterFailure, mayStart, UNTROUBLED } from './restart-policy.ts'
import { startProcess } from './start-process.ts'

/**
 * The place of one process: starts it when it is asked for, anew after a crash, never twice at once.
 *
 * States: none → starting → running → none, with a back-off or an open breaker after an end that nobody asked for.
 */
export class Slot {
  readonly entry: CatalogEntry
  readonly #host: ProcessHost
  #process: PluginProcess | undefined
  #starting: Promise<PluginProcess> | undefined
  #state = UNTROUBLED
  #users = 0
  #isClosed = false
  readonly #closing = new AbortController()

  constructor(host: ProcessHost, entry: CatalogEntry) {
    this.#host = host
    this.entry = entry
  }

  /** The process, if it can be called right now. */
  get running(): PluginProcess | undefined {
    return this.#process?.isAlive === true ? this.#process : undefined
  }

  /** One more that uses it. */
  retain(): void {
    this.#users++
  }

  get users(): number {
    return this.#users
  }

  /** One fewer; the process, if there is any, stays. */
  leave(): void {
    this.#users--
  }

  /** The last one that leaves ends the process. */
  async release(): Promise<void> {
    this.#users--
    if (this.#users === 0) await this.close()
  }

  /**
   * The process, started if need be.
   *
   * @param timeoutMs - How long a back-off may be waited for.
   * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_UNAVAILABLE` while the breaker is open, or why it does not start.
   */
  async get(timeoutMs: number, signal?: AbortSignal): Promise<PluginProcess> {
    for (;;) {
      const { running } = this
      if (running !== undefined) return running
      // It is lost a moment before it is gone; how often it has failed is known after that.
      await this.#process?.ended
      if (this.#isClosed) throw this.#unavailable('it is closed')
      if (this.running !== undefined) continue
      if (this.#starting === undefined) {
        const verdict = mayStart(this.#state, this.#host.config.clock.now())
        if (verdict.kind === 'refuse' || (verdict.kind === 'wait' && verdict.ms > timeoutMs)) {
          throw this.#unavailable(`it has failed ${this.#state.failures} times; next try in ${verdict.ms} ms`)
        }
        if (verdict.kind === 'wait') {
          await this.#wait(verdict.ms, signal)
          continue
        }
      }
      return await abortable(this.#start(), signal)
    }
  }

  /** Ends a start that is under way, and every later one. A process that has come up stays. */
  endStart(): void {
    this.#closing.abort()
  }

  /** Ends the process. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    this.#closing.abort()
    const process = await this.#starting?.catch(() => undefined)
    await (process ?? this.#process)?.stop()
  }

  #start(): Promise<PluginProcess> {
    this.#starting ??= this.#started().finally(() => {
      this.#starting = undefined
    })
    return this.#starting
  }

  async #started(): Promise<PluginProcess> {
    let process: PluginProcess
    try {
      process = await startProcess(this.#host, this.entry, this.#closing.signal)
    } catch (error) {
      this.#fail(0)
      this.#tell('plugin-start-failed', codeOf(error))
      throw error
    }
    this.#process = process
    this.#tell('plugin-started', '')
    if (this.#isClosed) await process.stop()
    void process.ended.then(() => this.#onEnd(process))
    return process
  }

  #onEnd(process: PluginProcess): void {
    if (this.#isClosed) return
    const { clock, diagnostics } = this.#host.config
    this.#fail(clock.now() - process.startedAtMs)
    this.#tell('plugin-crashed', process.excess ?? '')
    diagnostics.warn('a plugin process ended', {
      plugin: this.entry.name,
      failures: this.#state.failures,
      ...(process.excess === undefined ? {} : { reason: process.excess }),
    })
  }

  #fail(aliveMs: number): void {
    const { clock, random } = this.#host.config
    this.#state = afterFailure(this.#state, clock.now(), aliveMs, random.fraction())
  }

  #tell(name: ProcessEvent['name'], code: string): void {
    this.#host.config.onProcess({ name, plugin: this.entry.name, code, attempts: this.#state.failures })
  }

  #wait(ms: number, signal: AbortSignal | undefined): Promise<void> {
    let timer: Timer | undefined
    const waited = new Promise<void>((resolve) => {
      timer = this.#host.config.clock.after(ms, resolve)
    })
    return abortable(waited, signal).finally(() => timer?.cancel())
  }

  #unavailable(why: string): Error {
    return failure('ERR_PORTCULLIS_PLUGIN_UNAVAILABLE', { plugin: this.entry.name }, why)
  }
}

function codeOf(error: unknown): string {
  return error instanceof PluginError ? error.code : 'unknown'
}

/** `work`, unless `signal` comes first; the work itself goes on, since others may wait for it. */
async function abortable<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return await work
  signal.throwIfAborted()
  let onAbort = (): void => {}
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason)
    signal.addEventListener('abort', onAbort)
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', onAbort)
  }
}
