import { type Path, path } from '../../path.ts'
import { PluginRefusal } from '../../refusal.ts'
import { keysOf, nameIn } from './context.ts'
import type { StoredKey } from './key.ts'
import { checkRotation, shown } from './key-paths.ts'

/** What can be changed of a key; what is absent stays. */
interface ConfigFields {
  readonly min_decryption_version?: number | undefined
  readonly min_encryption_version?: number | undefined
  readonly deletion_allowed?: boolean | undefined
  readonly exportable?: boolean | undefined
  readonly allow_plaintext_backup?: boolean | undefined
  readonly auto_rotate_period?: number | undefined
}

/** How a key may be used. */
export const keyConfigPath: Path = path('keys/:name/config', {
  summary: 'How a key may be used: oldest versions, deletion, export, rotation.',
  fields: {
    properties: {
      min_decryption_version: { type: 'integer', description: 'Older versions neither decrypt nor verify; 0 is 1.' },
      min_encryption_version: { type: 'integer', description: 'Oldest that can be named for encryption; 0: no limit.' },
      deletion_allowed: { type: 'boolean' },
      exportable: { type: 'boolean', description: 'Cannot be taken back.' },
      allow_plaintext_backup: { type: 'boolean', description: 'Cannot be taken back.' },
      auto_rotate_period: { type: 'integer', format: 'duration', description: 'At least an hour; 0: never.' },
    },
  },
  update: async (request) => {
    const name = nameIn(request)
    const missing = `no existing key named ${name} could be found`
    return shown(await keysOf(request).change(name, missing, (key) => configured(key, request.fields)))
  },
})

function configured(key: StoredKey, fields: ConfigFields): StoredKey {
  const minDecryptionVersion = boundOf('decryption', fields.min_decryption_version, key, key.minDecryptionVersion) || 1
  const minEncryptionVersion = boundOf('encryption', fields.min_encryption_version, key, key.minEncryptionVersion)
  if (minEncryptionVersion > 0 && minEncryptionVersion < minDecryptionVersion)
    throw new PluginRefusal(
      `cannot set min encryption/decryption values; min encryption version of ${minEncryptionVersion} must be greater than or equal to min decryption version of ${minDecryptionVersion}`,
    )
  if (minDecryptionVersion < key.minAvailableVersion)
    throw new PluginRefusal(
      `cannot set min decryption version of ${minDecryptionVersion}; versions below ${key.minAvailableVersion} were trimmed`,
    )
  const { auto_rotate_period: autoRotateSeconds = key.autoRotateSeconds } = fields
  if (fields.auto_rotate_period !== undefined) checkRotation(autoRotateSeconds)
  return {
    ...key,
    minDecryptionVersion,
    minEncryptionVersion,
    autoRotateSeconds,
    deletionAllowed: fields.deletion_allowed ?? key.deletionAllowed,
    exportable: key.exportable || fields.exportable === true,
    allowPlaintextBackup: key.allowPlaintextBackup || fields.allow_plaintext_backup === true,
  }
}

function boundOf(what: string, asked: number | undefined, { latestVersion }: StoredKey, now: number): number {
  if (asked === undefined) return now
  if (asked < 0) throw new PluginRefusal(`min ${what} version cannot be negative`)
  if (asked > latestVersion)
    throw new PluginRefusal(`cannot set min ${what} version of ${asked}, latest key version is ${latestVersion}`)
  return asked
}
