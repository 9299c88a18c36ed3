import { generateKeyPair } from 'node:crypto'
import { promisify } from 'node:util'
import { PluginError } from '../../errors/index.ts'
import type { CredentialType } from '../../model/database.ts'
import type { EngineContext } from './context.ts'
import { DEFAULT_PASSWORD_POLICY, generatePassword } from './password-policy.ts'
import type { Credential, CredentialConfig } from './records.ts'
import { fail } from './reply.ts'

const keyPair = promisify(generateKeyPair)

/**
 * A new credential: a password by the role's policy, else the connection's, else the default; or an RSA key pair.
 *
 * @throws {Refusal} 500: there is no such policy.
 */
export async function newCredential(
  context: EngineContext,
  type: CredentialType,
  config: CredentialConfig,
  connectionPolicy: string,
): Promise<Credential> {
  if (type === 'rsa_private_key') return await newKeyPair(config)
  const policy = String(config.password_policy ?? '') || connectionPolicy
  return { type: 'password', password: await passwordOf(context, policy), privateKey: '', publicKey: '' }
}

/** @param policy - `''` for the default. @throws {Refusal} as {@link newCredential}. */
export async function passwordOf({ view, random }: EngineContext, policy: string): Promise<string> {
  if (policy === '') return generatePassword(DEFAULT_PASSWORD_POLICY, random)
  try {
    return await view.password(policy)
  } catch (error) {
    if (!(error instanceof PluginError)) throw error
    throw fail('failed to generate password: no password policy found')
  }
}

async function newKeyPair(config: CredentialConfig): Promise<Credential> {
  const { privateKey, publicKey } = await keyPair('rsa', {
    modulusLength: Number(config.key_bits ?? 2048),
    publicKeyEncoding: { type: 'spki', format: 'pem' },
    privateKeyEncoding: { type: 'pkcs8', format: 'pem' },
  })
  return { type: 'rsa_private_key', password: '', privateKey, publicKey }
}
