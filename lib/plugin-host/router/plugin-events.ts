import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { Context } from './context.ts'
import type { PluginEvent } from './events.ts'
import type { Mount } from './mount.ts'

/** Events of one mount that are told in a second; the rest are counted. */
const MAX_PER_SECOND = 1_000
const MAX_FIELDS = 32
const MAX_NAME = 64
/** Longest text, in UTF-16 units; what is longer is cut. */
const MAX_TEXT = 512

/** Takes what the plugin behind `mount` says that happened, and tells it as `plugin-event`. Untrusted words. */
export function createPluginEvents(
  { clock, tell }: Pick<Context, 'clock' | 'tell'>,
  mount: Mount,
): (type: string, metadata: JsonObject) => void {
  let count = 0
  let [secondMs, told] = [0, 0]
  return (type, metadata) => {
    count += 1
    const nowMs = clock.now()
    if (nowMs - secondMs >= 1_000) [secondMs, told] = [nowMs, 0]
    told += 1
    if (told > MAX_PER_SECOND) return
    const { path, type: plugin } = mount.record
    const event: PluginEvent = Object.freeze({ type: shortened(type, MAX_TEXT), metadata: plain(metadata), count })
    tell('plugin-event', { path, plugin, event })
  }
}

/** Texts, numbers and booleans, in bounds; whatever else there is, is left out. */
function plain(metadata: JsonObject): PluginEvent['metadata'] {
  const fields = Object.entries(metadata).slice(0, MAX_FIELDS)
  const kept = fields.flatMap(([name, value]) => (isPlain(value) ? [[shortened(name, MAX_NAME), bounded(value)]] : []))
  return Object.freeze(Object.fromEntries(kept))
}

function isPlain(value: JsonValue): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

function bounded(value: string | number | boolean): string | number | boolean {
  return typeof value === 'string' ? shortened(value, MAX_TEXT) : value
}

function shortened(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max)}…` : text
}
