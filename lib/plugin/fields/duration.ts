import { durationMs } from '../../model/duration.ts'

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
  const ms = durationMs(text.replace(/^[+-]/, ''))
  return ms === undefined ? undefined : ms / (text.startsWith('-') ? -1000 : 1000)
}
