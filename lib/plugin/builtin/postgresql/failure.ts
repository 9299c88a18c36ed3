import { PluginRefusal } from '../../refusal.ts'

/** Did the database itself refuse, and is the connection good for more? */
export function isDatabaseError(error: unknown): error is Error & { readonly code: string } {
  return error instanceof Error && 'severity' in error && typeof (error as { code?: unknown }).code === 'string'
}

/** Worth another try at once: another transaction was in the way. */
export function isConflict(error: unknown): boolean {
  if (!isDatabaseError(error)) return false
  if (error.code === '40001' || error.code === '40P01') return true
  return error.code === 'XX000' && error.message.startsWith('tuple concurrently')
}

/**
 * `error` in words that a host may have, and may log.
 *
 * The database echoes what it was sent where it cannot read it, and so can repeat a password. A message that holds one
 * of `secrets` is withheld as a whole: with a short password, replaced parts would tell it.
 */
export function failureOf(error: unknown, secrets: readonly string[]): PluginRefusal {
  if (error instanceof PluginRefusal) return error
  const { code } = error as { readonly code?: unknown }
  const state = typeof code === 'string' && /^\w+$/.test(code) ? code : undefined
  const message = error instanceof Error ? error.message : ''
  const isTelling = secrets.some((secret) => secret !== '' && message.includes(secret))
  const words = message === '' || isTelling ? 'its words are withheld' : message
  return new PluginRefusal(state === undefined ? words : `${words} (${state})`)
}

/** The forms in which a statement or a URL can hold `secret`. */
export function formsOf(secret: string): readonly string[] {
  if (secret === '') return []
  const doubled = secret.replaceAll("'", "''")
  return [secret, doubled, doubled.replaceAll('\\', '\\\\'), encodeURIComponent(secret)]
}
