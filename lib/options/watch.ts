import type { WatchOptions } from '../model/watch.ts'
import { checkNames, numberOption, stringOption, typed } from './check.ts'

/** {@link WatchOptions}, checked and complete. */
export interface WatchConfig {
  readonly everyMs: number
  readonly signal: AbortSignal | undefined
  readonly namespace: string | undefined
}

/** Default of {@link WatchOptions.everyMs}. */
export const WATCH_EVERY_MS = 30_000
const MIN_EVERY_MS = 1_000
const MAX_EVERY_MS = 86_400_000

/** Checks and completes `options`. @throws {TypeError|RangeError} naming the option. */
export function resolveWatch(options: WatchOptions): WatchConfig {
  checkNames('the options of watch()', options, ['everyMs', 'signal', 'namespace'])
  const bounds = { min: MIN_EVERY_MS, max: MAX_EVERY_MS }
  return Object.freeze({
    everyMs: numberOption('everyMs', options.everyMs, WATCH_EVERY_MS, bounds),
    signal: checkedSignal(options.signal),
    namespace: namespaceOption(options.namespace),
  })
}

function checkedSignal(signal: unknown): AbortSignal | undefined {
  if (signal === undefined || signal instanceof AbortSignal) return signal
  throw new TypeError(`signal must be an AbortSignal, got ${typed(signal)}`)
}

/** Empty is the root. */
function namespaceOption(namespace: string | undefined): string | undefined {
  return namespace === '' ? '' : stringOption('namespace', namespace, undefined)
}
