import type { CredentialType } from '../../model/database.ts'
import { countOf, type FieldValues } from './fields.ts'
import type { CredentialConfig } from './records.ts'
import { refuse } from './reply.ts'

export interface CredentialTerms {
  readonly credentialType: CredentialType
  readonly credentialConfig: CredentialConfig
}

const KEY_BITS: ReadonlySet<number> = new Set([2048, 3072, 4096])

/**
 * What a role asks of its credentials: what the request gives, on top of what was stored.
 *
 * @throws {Refusal} 400: an unknown type, or a configuration that does not fit it.
 */
export function credentialTerms(values: FieldValues, before: CredentialTerms | undefined): CredentialTerms {
  const type = values.text('credential_type') ?? before?.credentialType ?? 'password'
  const given = values.pairs('credential_config')
  switch (type) {
    case 'password':
      return { credentialType: type, credentialConfig: passwordConfig(given) ?? before?.credentialConfig ?? {} }
    case 'rsa_private_key':
      // As on the server, a write that leaves the configuration out puts it back to its defaults.
      return { credentialType: type, credentialConfig: keyConfig(given ?? {}) }
    case 'client_certificate':
      throw refuse('credential_type "client_certificate" is not supported by this host')
    default:
      throw refuse(`invalid credential_type ${JSON.stringify(type)}`)
  }
}

/** `undefined` where no policy is named; then, as on the server, what was stored stays, whatever it is. */
function passwordConfig({ password_policy = '' }: CredentialConfig = {}): CredentialConfig | undefined {
  return password_policy === '' ? undefined : { password_policy }
}

function keyConfig(config: CredentialConfig): CredentialConfig {
  const bits = keyBits(config.key_bits ?? 0) || 2048
  const format = String(config.format ?? '') || 'pkcs8'
  if (!KEY_BITS.has(bits)) throw invalid(`invalid key_bits: ${bits}`)
  if (format !== 'pkcs8') throw invalid(`invalid format: ${format}`)
  return { format, key_bits: bits }
}

function keyBits(value: string | number): number {
  try {
    return countOf(value, 'key_bits')
  } catch (error) {
    throw invalid(`decoding failed due to the following error(s):\n\n${(error as Error).message}`)
  }
}

function invalid(reason: string): Error {
  return refuse(`credential_config validation failed: ${reason}`)
}
