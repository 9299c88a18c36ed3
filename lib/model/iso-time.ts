/** RFC 3339, UTC, milliseconds. @param wallMs - milliseconds since 1970. */
export function isoTime(wallMs: number): string {
  return new Date(wallMs).toISOString()
}
