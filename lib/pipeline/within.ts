import { ServerError } from '../errors/index.ts'
import type { Clock, Timer } from '../ports/clock.ts'
import type { Call } from './call.ts'

/**
 * `work`, as far as `call` cares to wait for it.
 *
 * The work itself goes on: it may serve others, and has to be recorded.
 *
 * @throws the signal's reason, or {ServerError} `ERR_PORTCULLIS_SERVER_TIMEOUT`.
 */
export function within<T>(work: Promise<T>, call: Call, clock: Clock): Promise<T> {
  const { signal, timeoutMs } = call
  if (signal === undefined && timeoutMs === undefined) return work
  return new Promise<T>((resolve, reject) => {
    const onAbort = (): void => reject(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    if (signal?.aborted === true) onAbort()
    let timer: Timer | undefined
    if (timeoutMs !== undefined) timer = clock.after(timeoutMs, () => reject(timedOut(call, timeoutMs)))
    const settle = (): void => {
      signal?.removeEventListener('abort', onAbort)
      timer?.cancel()
    }
    work.then(resolve, reject).finally(settle)
  })
}

function timedOut({ request }: Call, timeoutMs: number): ServerError {
  const { operation, path } = request
  const message = `${operation} ${path}: no answer within ${timeoutMs} ms`
  return new ServerError('ERR_PORTCULLIS_SERVER_TIMEOUT', message, { operation, path })
}
