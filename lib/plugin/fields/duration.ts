/** Nanoseconds of each unit that the server knows. */
const UNITS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  μs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3_600e9,
  d: 86_400e9,
}
const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)/y

/**
 * Whole seconds of a duration as callers write it: a number or digits are seconds, else text such as `"24h"`,
 * `"1h30m"`, `"-5m"`, `"7d"`; a fraction of a second is cut off.
 *
 * @returns `undefined` for what is no duration, or passes 292 years, which is where the server's ends.
 */
export function durationSeconds(value: unknown): number | undefined {
  const seconds = typeof value === 'number' ? value : typeof value === 'string' ? secondsOf(value.trim()) : undefined
  if (seconds === undefined || !Number.isFinite(seconds) || Math.abs(seconds) > 9_223_372_036) return undefined
  return Math.trunc(seconds) + 0
}

function secondsOf(text: string): number | undefined {
  if (text.length > 64) return undefined
  if (text === '') return 0
  if (/^[+-]?\d+(?:\.\d+)?$/.test(text)) return Number(text)
  const sign = text.startsWith('-') ? -1 : 1
  PART.lastIndex = /^[+-]/.test(text) ? 1 : 0
  if (PART.lastIndex === text.length) return undefined
  let nanoseconds = 0
  while (PART.lastIndex < text.length) {
    const [, count, unit] = PART.exec(text) ?? []
    if (count === undefined || unit === undefined) return undefined
    nanoseconds += Number(count) * (UNITS[unit] ?? Number.NaN)
  }
  return (sign * nanoseconds) / 1e9
}
