import type { JsonValue } from '../../model/json.ts'

const UNITS_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  μs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
}

/** Longest duration taken: 2^63 nanoseconds, about 292 years, beyond which the server's numbers overflow. */
const MAX_MS = 9_223_372_036_854

/**
 * Milliseconds, whole seconds, of a duration as the servers take it: `60`, `"60"`, `"90m30s"`, `"1d"`; `''` is 0.
 *
 * @throws {TypeError} in the server's words.
 */
export function durationOf(value: JsonValue): number {
  const ms = typeof value === 'number' ? textMs(String(value)) : typeof value === 'string' ? textMs(value) : undefined
  if (ms === undefined) throw new TypeError('could not parse duration from input')
  const seconds = Math.trunc(ms / 1000)
  if (seconds < 0) throw new TypeError(`cannot provide negative value '${seconds}'`)
  return seconds * 1000
}

function textMs(text: string): number {
  if (text === '') return 0
  if (/^[+-]?\d+$/.test(text)) return bounded(Number(text) * 1000, text)
  const days = /^([+-]?\d+)d$/.exec(text)?.[1]
  if (days !== undefined) return bounded(Number(days) * 86_400_000, text)
  return goDuration(text)
}

/** A duration as Go writes it: `1h30m`, `1.5s`, `-2m`. */
function goDuration(text: string): number {
  const sign = text.startsWith('-') ? -1 : 1
  let left = text.replace(/^[+-]/, '')
  if (left === '0') return 0
  if (left === '') throw invalid(text)
  let totalMs = 0
  while (left !== '') {
    const [part = '', number = '', unit = ''] = /^(\d+\.?\d*|\.\d+)([^\d.]*)/.exec(left) ?? []
    if (number === '') throw invalid(text)
    if (unit === '') throw new TypeError(`time: missing unit in duration ${quoted(text)}`)
    const unitMs = UNITS_MS[unit]
    if (unitMs === undefined) throw new TypeError(`time: unknown unit ${quoted(unit)} in duration ${quoted(text)}`)
    totalMs += Number(number) * unitMs
    left = left.slice(part.length)
  }
  return bounded(sign * totalMs, text)
}

function bounded(ms: number, text: string): number {
  if (!(Math.abs(ms) <= MAX_MS)) throw invalid(text)
  return ms
}

function invalid(text: string): TypeError {
  return new TypeError(`time: invalid duration ${quoted(text)}`)
}

function quoted(text: string): string {
  return JSON.stringify(text.slice(0, 100))
}
