/**
 * Words of the server that are the same for everyone, and so may stand in messages. Anything else it
 * says can echo what was sent, a secret among it.
 */
const HARMLESS: readonly string[] = [
  'permission denied',
  'invalid token',
  'missing client token',
  'Vault is sealed',
  'OpenBao is sealed',
  'Vault is in standby mode',
  'OpenBao is in standby mode',
  'local node not active but active cluster node not found',
  'no handler for route',
  'unsupported path',
  'unsupported operation',
  'lease not found',
  'invalid lease',
  'lease is not renewable',
  'batch tokens cannot be revoked',
  'wrapping token is not valid or does not exist',
  'invalid role or secret ID',
  'invalid username or password',
  'request path kept failing',
  'rate limit quota exceeded',
  'request exceeds quota',
  'namespace not found',
  'check-and-set parameter required for this call',
  'check-and-set parameter did not match the current version',
  'service unavailable',
  'internal error',
  'context deadline exceeded',
]

/** The harmless phrases that `errors` begin with, each once and in the spelling above. */
export function harmlessPhrases(errors: readonly string[]): readonly string[] {
  const found = new Set<string>()
  for (const error of errors.slice(0, 10)) {
    const text = bare(error).toLowerCase()
    const phrase = HARMLESS.find((known) => text.startsWith(known.toLowerCase()))
    if (phrase !== undefined) found.add(phrase)
  }
  return [...found]
}

/** Why a node did not even look at a request, by its own words. */
export type NotServing = 'sealed' | 'standby'

const SEALED = /^(?:vault|openbao) is sealed$/
const STANDBY = /^(?:(?:vault|openbao) is in standby mode|local node not active but active cluster node not found)$/

/**
 * Do `errors` say that the node is sealed or a standby, and so carried nothing out?
 *
 * The whole text must say it: a plugin's own error that mentions a standby says nothing about the server.
 */
export function notServing(errors: readonly string[]): NotServing | undefined {
  const texts = errors.map((error) => bare(error).toLowerCase())
  if (texts.some((text) => SEALED.test(text))) return 'sealed'
  return texts.some((text) => STANDBY.test(text)) ? 'standby' : undefined
}

function bare(error: string): string {
  return error
    .slice(0, 500)
    .replace(/^\d+ errors? occurred:\s*\*\s*/, '')
    .trim()
}
