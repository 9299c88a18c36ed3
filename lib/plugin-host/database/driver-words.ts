import { PluginError } from '../../errors/index.ts'

/** Shorter secrets are no secrets, and replacing them would only garble the text. */
const MIN_SECRET = 4
const MAX_WORDS = 4096

/**
 * What a caller is told of a failure of a driver, as the server words it.
 *
 * The driver's own words are passed on, since they say what is wrong with statement or database; every one of
 * `secrets` in them is replaced first, for a driver is not trusted to have done so.
 *
 * @param action - What was tried, such as `unable to create new user`.
 */
export function driverWords(error: unknown, action: string, secrets: readonly string[]): string {
  return redacted(wordsOf(error, action), secrets)
}

function wordsOf(error: unknown, action: string): string {
  if (!(error instanceof PluginError)) return `${action}: the driver failed`
  // Whatever else stood in the way, such as a process that ended, is ours to word.
  if (error.code !== 'ERR_PORTCULLIS_PLUGIN_DRIVER') return `${action}: ${error.message}`
  const detail = error.detail().slice(0, MAX_WORDS)
  // Of a plugin process: the servers put before it what was tried.
  if (detail.startsWith('rpc error: ')) return `${action}: ${detail}`
  return detail === '' ? `${action}: ${error.message}` : detail
}

function redacted(text: string, secrets: readonly string[]): string {
  let left = text
  for (const secret of secrets) {
    if (secret.length >= MIN_SECRET) left = left.replaceAll(secret, '[password]')
  }
  return left
}

/** Why a driver could not be had, as the server words it. */
export function openWords(error: unknown, pluginName: string, version: string): string {
  if (error instanceof PluginError && error.code === 'ERR_PORTCULLIS_PLUGIN_UNKNOWN') {
    const missing = `plugin not found in the catalog: ${pluginName}${version === '' ? '' : `, version=${version}`}`
    // The server looks twice, for both kinds of driver, and says both.
    return `invalid database version: 2 errors occurred:\n\t* ${missing}\n\t* ${missing}\n\n`
  }
  return error instanceof PluginError ? `invalid database version: ${error.message}` : 'the driver could not be opened'
}
