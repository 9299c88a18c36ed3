import { durationMs as partsMs } from '../../model/duration.ts'
import type { JsonValue } from '../../model/json.ts'
import { Refusal } from './exchange.ts'

/** TTL and max TTL where none is configured: 768 h. */
export const SYSTEM_TTL_MS: number = 768 * 3_600_000

/**
 * Milliseconds of a duration as the wire has it: `60`, `"60"`, `"60s"`, `"1h30m"`.
 *
 * @throws {Refusal} 400 for what is none.
 */
export function durationMs(value: JsonValue | undefined, fallbackMs: number): number {
  if (value === undefined || value === null || value === '') return fallbackMs
  if (typeof value === 'number' && value >= 0) return value * 1000
  if (typeof value === 'string' && /^\d+$/.test(value)) return Number(value) * 1000
  const ms = typeof value === 'string' ? partsMs(value) : undefined
  if (ms === undefined) throw new Refusal(400, 'error parsing a duration')
  return ms
}
