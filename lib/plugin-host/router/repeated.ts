import { PluginError } from '../../errors/index.ts'
import type { Backend, BackendCallOptions } from '../../model/backend.ts'
import type { Clock } from '../../ports/clock.ts'

/**
 * `backend`, whose callers do not notice one end of its process where that can be kept from them.
 *
 * A call that was cut off is sent once more, to the process that takes the place of the one that ended, if it is a read, a
 * list or the like, or if the plugin had not got it yet. Whatever else may have happened: its caller is told. A read that
 * makes something, such as a credential, can have made it twice then; what came of the first is held by nobody, as it would
 * be without a second.
 */
export function repeatedOnce(backend: Backend, clock: Clock): Backend {
  return {
    get specialPaths() {
      return backend.specialPaths
    },
    handle: (request, options) => surviving((within) => backend.handle(request, within), options, clock),
    exists: (request, options) => surviving((within) => backend.exists(request, within), options, clock),
    invalidate: (key) => backend.invalidate(key),
    close: () => backend.close(),
  }
}

async function surviving<T>(
  call: (options: BackendCallOptions) => Promise<T>,
  options: BackendCallOptions,
  clock: Clock,
): Promise<T> {
  const startedAtMs = clock.now()
  try {
    return await call(options)
  } catch (error) {
    const timeoutMs = options.timeoutMs - (clock.now() - startedAtMs)
    if (!wasCutOff(error) || timeoutMs <= 0 || options.signal?.aborted === true) throw error
    return await call({ ...options, timeoutMs })
  }
}

function wasCutOff(error: unknown): boolean {
  return error instanceof PluginError && error.code === 'ERR_PORTCULLIS_PLUGIN_CRASHED' && !error.mayHaveHappened
}
