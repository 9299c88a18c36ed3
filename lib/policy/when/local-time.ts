/** Minutes of a day. */
export const DAY_MINUTES: number = 24 * 60
/** Minutes of a week. */
export const WEEK_MINUTES: number = 7 * DAY_MINUTES

/** What the clocks on the wall of one time zone show. */
export interface LocalTime {
  /** Minutes since the start of Monday, from 0; -1 for what is no time. */
  minuteOfWeek(wallMs: number): number
}

/** Milliseconds since 1970 beyond which a date cannot be told. */
const TIME_MAX_MS = 8.64e15
/** 1970 began on a Thursday. */
const EPOCH_DAY = 3

/** The wall clocks of UTC: arithmetic alone. */
export const UTC: LocalTime = Object.freeze({
  minuteOfWeek(wallMs: number): number {
    if (!isTime(wallMs)) return -1
    const minutes = Math.floor(wallMs / 60_000) + EPOCH_DAY * DAY_MINUTES
    return ((minutes % WEEK_MINUTES) + WEEK_MINUTES) % WEEK_MINUTES
  },
})

/**
 * The wall clocks of an IANA time zone.
 *
 * Asks the runtime's time zone data once for each minute of the clock; decisions within one minute cost a comparison.
 *
 * @throws {RangeError} for a zone that the runtime does not know.
 */
export function localTimeIn(timeZone: string): LocalTime {
  const format = new Intl.DateTimeFormat('en-US', {
    timeZone,
    calendar: 'gregory',
    numberingSystem: 'latn',
    hourCycle: 'h23',
    weekday: 'short',
    hour: '2-digit',
    minute: '2-digit',
  })
  let askedMinute = Number.NaN
  let told = -1
  return Object.freeze({
    minuteOfWeek(wallMs: number): number {
      if (!isTime(wallMs)) return -1
      const minute = Math.floor(wallMs / 60_000)
      if (minute === askedMinute) return told
      told = toldBy(format, minute * 60_000)
      askedMinute = minute
      return told
    },
  })
}

const DAYS: readonly string[] = ['Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat', 'Sun']

function toldBy(format: Intl.DateTimeFormat, wallMs: number): number {
  const parts = new Map(format.formatToParts(wallMs).map(({ type, value }) => [type, value]))
  const day = DAYS.indexOf(parts.get('weekday') ?? '')
  const minute = Number(parts.get('hour')) * 60 + Number(parts.get('minute'))
  return day < 0 || !Number.isInteger(minute) ? -1 : day * DAY_MINUTES + minute
}

function isTime(wallMs: number): boolean {
  return Math.abs(wallMs) < TIME_MAX_MS
}
