/** How grave a plugin calls what it logs. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error'

/** What a plugin logged. Untrusted: bounded and of these types, but in the plugin's words, which can hold its secrets. */
export interface PluginLogEntry {
  readonly plugin: string
  readonly level: LogLevel
  readonly message: string
  readonly fields: Readonly<Record<string, string | number | boolean>>
}

/** Longest message and value, in UTF-16 units; more is cut off. */
const MAX_TEXT = 1024
const MAX_NAME = 64
const MAX_FIELDS = 16
const LEVELS: ReadonlySet<unknown> = new Set<LogLevel>(['trace', 'debug', 'info', 'warn', 'error'])
const PREFIX = /^\[(TRACE|DEBUG|INFO|WARN|ERROR)\]\s*/
const FATAL = /^(?:panic|fatal error): /
const RESERVED: ReadonlySet<string> = new Set(['@level', '@message', '@timestamp', '@caller'])
const CONTROL = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g

/** Reads a line of a plugin's stderr: hclog JSON, or text. Never throws, whatever it is. */
export function parseLogLine(plugin: string, line: string): PluginLogEntry | undefined {
  if (line.trim() === '') return undefined
  return structured(plugin, line) ?? text(plugin, line)
}

function structured(plugin: string, line: string): PluginLogEntry | undefined {
  const entry = objectOf(line)
  if (entry === undefined) return undefined
  const level = entry['@level']
  const message = entry['@message']
  // A number here ends whole servers: nothing is taken for what it should be.
  return {
    plugin,
    level: LEVELS.has(level) ? (level as LogLevel) : 'debug',
    message: typeof message === 'string' ? bounded(message, MAX_TEXT) : '',
    fields: fieldsOf(entry),
  }
}

function objectOf(line: string): Readonly<Record<string, unknown>> | undefined {
  if (!line.startsWith('{')) return undefined
  try {
    return JSON.parse(line) as Readonly<Record<string, unknown>>
  } catch {
    return undefined
  }
}

function fieldsOf(entry: Readonly<Record<string, unknown>>): PluginLogEntry['fields'] {
  const fields: [string, string | number | boolean][] = []
  for (const [name, value] of Object.entries(entry)) {
    if (RESERVED.has(name)) continue
    if (fields.length === MAX_FIELDS) break
    fields.push([bounded(name, MAX_NAME), simple(value)])
  }
  return Object.fromEntries(fields)
}

function simple(value: unknown): string | number | boolean {
  if (typeof value === 'number' || typeof value === 'boolean') return value
  if (typeof value === 'string') return bounded(value, MAX_TEXT)
  return value === null ? 'null' : Array.isArray(value) ? '[…]' : '{…}'
}

function text(plugin: string, line: string): PluginLogEntry {
  const prefix = PREFIX.exec(line)
  const named = prefix?.[1]?.toLowerCase() as LogLevel | undefined
  const level = named ?? (FATAL.test(line) ? 'error' : 'debug')
  return { plugin, level, message: bounded(line.slice(prefix?.[0].length ?? 0), MAX_TEXT), fields: {} }
}

/** Without what could forge lines in a log or move a terminal's cursor. */
function bounded(value: string, max: number): string {
  const clean = value.slice(0, max).replace(CONTROL, ' ')
  return value.length > max ? `${clean}…` : clean
}
