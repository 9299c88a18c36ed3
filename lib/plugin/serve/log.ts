import type { LogFields, PluginLog } from '../host.ts'

/** Hosts read lines of up to 64 KiB. */
const MAX_MESSAGE = 8_192
const MAX_FIELD = 4_096
const MAX_FIELDS = 8

/**
 * A log of one JSON object a line, as hosts of the field read it.
 *
 * `@message`, `@level` and `@timestamp` are always texts: a Go host dies of anything else. The time has six digits of a
 * fraction, without which hosts take the line for raw text.
 *
 * @param write - Takes a whole line, newline included.
 */
export function createLog(module: string, write: (line: string) => void): PluginLog {
  const at =
    (level: string): PluginLog['info'] =>
    (message, fields) =>
      write(`${lineOf(module, level, message, fields)}\n`)
  return { trace: at('trace'), debug: at('debug'), info: at('info'), warn: at('warn'), error: at('error') }
}

function lineOf(module: string, level: string, message: unknown, fields: LogFields = {}): string {
  const own = Object.entries(fields)
    .filter(([name]) => !name.startsWith('@'))
    .slice(0, MAX_FIELDS)
    .map(([name, value]) => [name.slice(0, 128), plain(value)])
  return JSON.stringify({
    '@level': level,
    '@message': String(message).slice(0, MAX_MESSAGE),
    '@module': module,
    '@timestamp': new Date().toISOString().replace('Z', '000Z'),
    ...Object.fromEntries(own),
  })
}

function plain(value: unknown): string | number | boolean {
  return typeof value === 'number' || typeof value === 'boolean' ? value : String(value).slice(0, MAX_FIELD)
}
