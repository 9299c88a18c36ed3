const PART = /(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|μs|ms|s|m|h|d)/y
/** In whole nanoseconds, so that no unit is a fraction that floating point rounds. */
const NANOSECONDS: ReadonlyMap<string, number> = new Map([
  ['ns', 1],
  ['us', 1e3],
  ['µs', 1e3],
  ['μs', 1e3],
  ['ms', 1e6],
  ['s', 1e9],
  ['m', 60e9],
  ['h', 3_600e9],
  ['d', 86_400e9],
])
/** More than any duration that somebody means; what is longer is not looked at. */
const MAX_LENGTH = 100

/**
 * Milliseconds, with fractions, of numbers with units as Go writes them, and days, which the servers add: `1h30m`, `1.5s`, `2d`.
 *
 * @returns `undefined` for anything else: no number without unit, no sign, no spaces.
 */
export function durationMs(text: string): number | undefined {
  if (text === '' || text.length > MAX_LENGTH) return undefined
  let nanoseconds = 0
  PART.lastIndex = 0
  while (PART.lastIndex < text.length) {
    const [, count, unit = ''] = PART.exec(text) ?? []
    const size = NANOSECONDS.get(unit)
    if (count === undefined || size === undefined) return undefined
    nanoseconds += Number(count) * size
  }
  return nanoseconds / 1e6
}
