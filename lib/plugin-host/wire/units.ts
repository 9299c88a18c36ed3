import type { Timestamp } from './gen/google/protobuf/timestamp.ts'

const NS_PER_MS = 1_000_000n
const MAX_INT64 = 2n ** 63n - 1n
/** Dates of JavaScript reach no further. */
const MAX_DATE_MS = 8.64e15
/** Go's zero time, which stands for "none": the first second of year 1. */
const ZERO_SECONDS = -62_135_596_800n
/** Last second of year 9999, after which protobuf has no moments. */
const LAST_SECONDS = 253_402_300_799n

/** Milliseconds as the wire's nanoseconds; what is beyond 292 years, `Infinity` included, becomes the most there is. */
export function msToWire(ms: number): bigint {
  if (Number.isNaN(ms)) return 0n
  const bounded = Math.min(Math.max(ms, -9.2e12), 9.2e12)
  if (bounded !== ms) return ms > 0 ? MAX_INT64 : -MAX_INT64
  const whole = Math.trunc(ms)
  return BigInt(whole) * NS_PER_MS + BigInt(Math.round((ms - whole) * 1e6))
}

/** Nanoseconds in milliseconds, fractions and sign kept: no time that was given turns into 0, which means another thing. */
export function msFromWire(ns: bigint): number {
  return Number(ns / NS_PER_MS) + Number(ns % NS_PER_MS) / 1e6
}

/** A moment in milliseconds since 1970; `undefined` becomes Go's zero time, which has to be there where none is known. */
export function momentToWire(atMs: number | undefined): Timestamp {
  if (atMs === undefined || Number.isNaN(atMs)) return { seconds: ZERO_SECONDS, nanos: 0 }
  const whole = Math.floor(Math.min(Math.max(atMs, Number(ZERO_SECONDS) * 1000), Number(LAST_SECONDS) * 1000))
  const seconds = Math.floor(whole / 1000)
  return { seconds: BigInt(seconds), nanos: (whole - seconds * 1000) * 1_000_000 }
}

/** The other way; `undefined` for Go's zero time, for none, and for what is no moment. */
export function momentFromWire(moment: Timestamp | undefined): number | undefined {
  if (moment === undefined || moment.seconds <= ZERO_SECONDS || moment.seconds > LAST_SECONDS) return undefined
  if (moment.nanos < 0 || moment.nanos > 999_999_999) return undefined
  const atMs = Number(moment.seconds) * 1000 + Math.floor(moment.nanos / 1e6)
  return Math.abs(atMs) <= MAX_DATE_MS ? atMs : undefined
}

/** A count of the wire, no further than numbers are exact. */
export function countFromWire(count: bigint): number {
  const max = BigInt(Number.MAX_SAFE_INTEGER)
  return Number(count > max ? max : count < -max ? -max : count)
}

/** The other way. */
export function countToWire(count: number): bigint {
  return BigInt(Math.trunc(Math.min(Math.max(count, -Number.MAX_SAFE_INTEGER), Number.MAX_SAFE_INTEGER)) || 0)
}

/** JSON text that is never empty: Go fails on an empty one, at either end. */
export function jsonText(text: string): string {
  return text === '' ? 'null' : text
}
