/** RFC 3339, UTC, milliseconds. @param wallMs - milliseconds since 1970. */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString()
}

const ISO = /^\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d{1,3})?)?(?:Z|[+-]\d\d:\d\d)$/

/** Milliseconds since 1970 of a time with its zone, such as `2026-01-05T09:30:00Z`; `undefined` for anything else. */
export function isoTimeMs(text: string): number | undefined {
  const time = ISO.test(text) ? Date.parse(text) : Number.NaN
  return Number.isNaN(time) ? undefined : time
}
