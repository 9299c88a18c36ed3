/** Longer than this is as good as for ever; keeps sums within whole numbers. */
const MAX_MS = 365 * 86_400_000

/**
 * Milliseconds that a `Retry-After` header asks to wait; `undefined` for none or one that cannot be read.
 *
 * @param header - Whole seconds, or an HTTP date.
 * @param wallTimeMs - Reading of the wall clock, since the date is by it.
 */
export function retryAfterMs(header: string | readonly string[] | undefined, wallTimeMs: number): number | undefined {
  if (typeof header !== 'string') return undefined
  const text = header.trim()
  if (/^\d{1,15}$/.test(text)) return Math.min(Number(text) * 1000, MAX_MS)
  if (!/^[A-Z][a-z]+, ?\d/.test(text)) return undefined
  const atMs = Date.parse(text)
  return Number.isNaN(atMs) ? undefined : Math.min(Math.max(0, atMs - wallTimeMs), MAX_MS)
}
