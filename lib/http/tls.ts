import { readFileSync } from 'node:fs'
import { createSecureContext, type SecureContextOptions } from 'node:tls'
import { unseal } from '../model/sealed.ts'
import type { PemSource, TlsConfig } from '../options/tls.ts'

/** What a TLS connection to the server is made with. */
export interface TlsSettings extends SecureContextOptions {
  servername?: string
  rejectUnauthorized: boolean
}

/**
 * Settings for `node:tls`, with the files of `config` read.
 *
 * `rejectUnauthorized` is always said, so that `NODE_TLS_REJECT_UNAUTHORIZED=0` in the environment
 * does not switch the check off behind the configuration.
 *
 * @throws {Error} naming the option whose file cannot be read.
 * @throws {TypeError} certificates or key do not parse, or do not belong together.
 */
export function tlsSettings(config: TlsConfig): TlsSettings {
  const settings: TlsSettings = { minVersion: 'TLSv1.2', rejectUnauthorized: !config.insecureSkipVerify }
  if (config.ca !== undefined) settings.ca = pemOf(config.ca)
  if (config.cert !== undefined) settings.cert = pemOf(config.cert)
  if (config.key !== undefined) settings.key = pemOf(config.key)
  if (config.serverName !== undefined) settings.servername = config.serverName
  checkPair(settings)
  return settings
}

function pemOf(source: PemSource): string {
  if (source.kind === 'text') return unseal(source.pem)
  try {
    return readFileSync(source.path, 'utf8')
  } catch (cause) {
    throw new Error(`${source.name}: cannot read ${source.path}`, { cause })
  }
}

/** A wrong pair must show at the start, not at the first request. */
function checkPair(settings: TlsSettings): void {
  try {
    createSecureContext(settings)
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code ?? 'unknown'
    throw new TypeError(`server.tls: certificate authorities, certificate or key cannot be used (${code})`)
  }
}
