import { durationMs as partsMs } from '../../model/duration.ts'
import type { JsonObject, JsonValue } from '../../model/json.ts'
import { fieldWords } from './fields.ts'
import { refuse } from './refusal.ts'

/** TTL and max TTL where none is configured: 768 h. */
export const SYSTEM_TTL_MS: number = 768 * 3_600_000

/** Longest duration taken, about 100 years: what is beyond it is no time but an overflow. */
const MAX_MS = 3_155_760_000_000

/**
 * Milliseconds of a duration as the wire has it: `60`, `"60"`, `"60s"`, `"1h30m"`, `"2d"`. Parts of a second are dropped.
 *
 * @param said - What an error says first.
 * @throws {Refusal} 400 for what is none, for less than 0 and for more than a century; in the server's words.
 */
export function durationMs(value: JsonValue | undefined, said = ''): number {
  if (value === undefined || value === null || value === '') return 0
  const ms = typeof value === 'number' ? value * 1000 : typeof value === 'string' ? textMs(value) : Number.NaN
  if (!(ms >= 0 && ms <= MAX_MS)) throw refuse(400, said + invalidWords(value, ms))
  return Math.floor(ms / 1000) * 1000
}

function invalidWords(value: JsonValue, ms: number): string {
  if (ms < 0) return `cannot provide negative value '${value}'`
  return `time: invalid duration ${JSON.stringify(value)?.slice(0, 100)}`
}

/** As {@link durationMs}, of a field that the servers check by its kind. */
export function durationField(data: JsonObject, name: string): number {
  return durationMs(data[name], fieldWords(name))
}

function textMs(text: string): number {
  const isNumber = text.length <= 100 && /^-?\d+$/.test(text)
  return isNumber ? Number(text) * 1000 : (partsMs(text) ?? Number.NaN)
}

/** Whole seconds, as the wire has them. A part of a second is not told. */
export function secondsOf(ms: number): number {
  return Number.isFinite(ms) ? Math.floor(ms / 1000) : 0
}

/** A duration as the server words it in warnings: `27h46m39s`, `1h`, `30m`. */
export function durationText(ms: number): string {
  const seconds = secondsOf(ms)
  const hours = Math.floor(seconds / 3600)
  const minutes = Math.floor((seconds % 3600) / 60)
  const rest = seconds % 60
  if (hours > 0) return `${hours}h${rest > 0 ? `${minutes}m${rest}s` : minutes > 0 ? `${minutes}m` : ''}`
  return minutes > 0 ? `${minutes}m${rest > 0 ? `${rest}s` : ''}` : `${rest}s`
}

/** A reading of the wall clock, as the wire has it. */
export function timeText(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
