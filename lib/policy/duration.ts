const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/** Milliseconds of a text such as `30s`, `5m`, `768h`. The policy schema has checked the form. */
export function durationMs(text: string): number {
  const [, count, unit] = /^([0-9]+)(ms|s|m|h|d)$/.exec(text) ?? []
  const factor = UNITS.get(unit ?? '')
  if (count === undefined || factor === undefined)
    throw new RangeError('a duration is a whole number and ms, s, m, h or d')
  return Number(count) * factor
}
