import { GatewayError } from '../errors/index.ts'
import type { Moment } from '../lease/kept.ts'
import type { Watch } from '../model/watch.ts'
import { WatchHandle } from './handle.ts'
import { Source, type SourceDeps } from './source.ts'
import type { Look, View } from './view.ts'

/** What is to be watched, and for whom. */
export interface Watching {
  /** Secret and identity: one request serves all who share it. */
  readonly source: string
  /** Whose decision it is; with `source`, what can be seen. */
  readonly viewer: string
  readonly path: string
  readonly look: Look
  readonly everyMs: number
  readonly signal: AbortSignal | undefined
}

/** All watches of a gateway. */
export interface Watches {
  /** Resolves after a look at the server. @throws what the look failed with, or the reason of the signal. */
  open(watching: Watching): Promise<Watch>
  /** Closes every watch; takes no more. Idempotent. */
  close(): void
}

export function createWatches(deps: SourceDeps): Watches {
  return new OpenWatches(deps)
}

class OpenWatches implements Watches {
  readonly #deps: SourceDeps
  readonly #sources = new Map<string, Source>()
  readonly #handles = new Set<WatchHandle>()
  #isClosed = false

  constructor(deps: SourceDeps) {
    this.#deps = deps
  }

  async open(watching: Watching): Promise<Watch> {
    const { signal } = watching
    signal?.throwIfAborted()
    this.#checkOpen()
    const source = this.#source(watching.source)
    const view = source.view(watching.viewer, watching.look)
    view.waiting += 1
    try {
      await this.#seen(view, signal)
      signal?.throwIfAborted()
      this.#checkOpen()
      const handle = this.#handle(watching, source, view)
      source.plan(watching.everyMs)
      return handle
    } finally {
      view.waiting -= 1
      this.#tidy(watching, source)
    }
  }

  close(): void {
    this.#isClosed = true
    for (const handle of [...this.#handles]) handle.close()
    for (const source of this.#sources.values()) source.close()
    this.#sources.clear()
  }

  async #seen(view: View, signal: AbortSignal | undefined): Promise<void> {
    const outcome = await unlessAborted(view.look(false), signal)
    if (outcome.kind !== 'seen') throw outcome.error
  }

  #handle(watching: Watching, source: Source, view: View): WatchHandle {
    const { everyMs, path, signal } = watching
    const handle = new WatchHandle(view, {
      everyMs,
      path,
      moment: () => this.#moment(),
      onClose: (closed) => {
        signal?.removeEventListener('abort', onAbort)
        this.#handles.delete(closed)
        view.viewers.delete(closed)
        this.#tidy(watching, source)
      },
    })
    const onAbort = (): void => handle.close()
    signal?.addEventListener('abort', onAbort, { once: true })
    this.#handles.add(handle)
    view.viewers.add(handle)
    return handle
  }

  #source(key: string): Source {
    let source = this.#sources.get(key)
    if (source === undefined) {
      source = new Source(this.#deps)
      this.#sources.set(key, source)
    }
    return source
  }

  #tidy({ source: key, viewer }: Watching, source: Source): void {
    source.tidy(viewer)
    if (source.isUnused && this.#sources.get(key) === source) this.#sources.delete(key)
  }

  #checkOpen(): void {
    if (this.#isClosed) throw new GatewayError('ERR_PORTCULLIS_GATEWAY_CLOSED', 'the gateway is closed')
  }

  #moment(): Moment {
    const { clock } = this.#deps
    return { nowMs: clock.now(), wallMs: clock.wallTime() }
  }
}

/** `work`, as far as `signal` lets its caller wait; it goes on, since it may serve others. */
function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal.reason)
    signal.addEventListener('abort', onAbort, { once: true })
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort))
  })
}
