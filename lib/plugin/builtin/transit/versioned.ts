import { PluginRefusal } from '../../refusal.ts'
import type { StoredKey } from './key.ts'

const PREFIX = 'vault:v'
const TOO_OLD = 'ciphertext or signature version is disallowed by policy (too old)'

/** A ciphertext, signature or HMAC: `vault:v<version of the key>:<text>`. */
export interface Versioned {
  readonly version: number
  readonly text: string
}

export function versionedText(version: number, text: string): string {
  return `${PREFIX}${version}:${text}`
}

/** How refusals begin: `invalid ciphertext`, and `invalid HMAC to verify` where there is no prefix at all. */
export interface Wording {
  readonly what: string
  readonly whatWithoutPrefix?: string
  /** What is said of a version that is not allowed any more. */
  readonly tooOld?: string
}

/**
 * Reads `given`, and finds the version of `key` that it was made with.
 *
 * @throws {PluginRefusal} it is none, or of a version that the key does not have or does not allow any more.
 */
export function readVersioned(given: string, key: StoredKey, wording: Wording): Versioned {
  const { what, whatWithoutPrefix = what, tooOld = TOO_OLD } = wording
  if (!given.startsWith(PREFIX)) throw new PluginRefusal(`invalid ${whatWithoutPrefix}: no prefix`)
  const rest = given.slice(PREFIX.length)
  const colon = rest.indexOf(':')
  if (colon === -1) throw new PluginRefusal(`invalid ${what}: wrong number of fields`)
  const number = rest.slice(0, colon)
  if (!/^[+-]?\d{1,15}$/.test(number)) throw new PluginRefusal(`invalid ${what}: version number could not be decoded`)
  // Before there were versions, there was 0.
  const version = Number(number) === 0 ? 1 : Number(number)
  if (version > key.latestVersion) throw new PluginRefusal(`invalid ${what}: version is too new`)
  if (version < key.minDecryptionVersion) throw new PluginRefusal(tooOld)
  return { version, text: rest.slice(colon + 1) }
}

/** The version to encrypt or sign with; 0 asks for the latest. @throws {PluginRefusal} made by `refuse`, of what `verb` may not. */
export function versionToUse(
  asked: number,
  { latestVersion, minEncryptionVersion }: StoredKey,
  verb: string,
  refuse: (text: string) => PluginRefusal,
): number {
  if (asked === 0) return latestVersion
  if (asked < 0) throw refuse(`requested version for ${verb} is negative`)
  if (asked > latestVersion) throw refuse(`requested version for ${verb} is higher than the latest key version`)
  if (asked < minEncryptionVersion)
    throw refuse(`requested version for ${verb} is less than the minimum encryption key version`)
  return asked
}
