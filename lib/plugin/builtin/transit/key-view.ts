import type { JsonObject, JsonValue } from '../../../model/json.ts'
import { publicText, type TransitKey } from './key.ts'

/** What is told of a key: all but its secrets. Versions that are too old for use are not listed. */
export function viewOf(key: TransitKey): JsonObject {
  const { stored, traits } = key
  return {
    name: stored.name,
    type: stored.type,
    derived: stored.derived,
    ...(stored.derived ? { kdf: 'hkdf_sha256', convergent_encryption: stored.convergent } : {}),
    ...(stored.convergent ? { convergent_encryption_version: -1 } : {}),
    ...(stored.type === 'hmac' ? { key_size: stored.keySize } : { keys: versionsOf(key) }),
    exportable: stored.exportable,
    allow_plaintext_backup: stored.allowPlaintextBackup,
    deletion_allowed: stored.deletionAllowed,
    auto_rotate_period: stored.autoRotateSeconds,
    min_decryption_version: stored.minDecryptionVersion,
    min_encryption_version: stored.minEncryptionVersion,
    min_available_version: stored.minAvailableVersion,
    latest_version: stored.latestVersion,
    imported_key: false,
    soft_deleted: false,
    supports_encryption: traits.encrypts,
    supports_decryption: traits.encrypts,
    supports_signing: traits.signs,
    supports_derivation: traits.derives,
  }
}

function versionsOf(key: TransitKey): JsonObject {
  const { versions, minDecryptionVersion } = key.stored
  const usable = Object.entries(versions).filter(([number]) => Number(number) >= minDecryptionVersion)
  return Object.fromEntries(
    usable.map(([number, { createdAt }]): [string, JsonValue] => [number, versionOf(key, Number(number), createdAt)]),
  )
}

function versionOf(key: TransitKey, number: number, createdAt: string): JsonValue {
  const { shownAs } = key.traits
  if (shownAs === undefined) return Math.floor(Date.parse(createdAt) / 1_000)
  // Of a derived key there is a public key for each context, and none without.
  const public_key = key.stored.derived ? '' : publicText(key.privateKey(number))
  return { name: shownAs, public_key, certificate_chain: '', creation_time: createdAt }
}
