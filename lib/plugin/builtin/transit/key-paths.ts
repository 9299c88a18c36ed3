import { data, listOf, type PluginAnswer } from '../../answer.ts'
import { type Path, path } from '../../path.ts'
import { PluginRefusal } from '../../refusal.ts'
import { keysOf, nameIn } from './context.ts'
import { failed } from './failure.ts'
import type { StoredKey, TransitKey } from './key.ts'
import { keyTypeOf, traitsOf } from './key-type.ts'
import { viewOf } from './key-view.ts'
import type { KeySpec } from './keys.ts'

const MIN_HMAC_BYTES = 32
const MAX_HMAC_BYTES = 512
const MIN_ROTATION_SECONDS = 3_600

/** What a key can be asked to be. */
interface KeyFields {
  readonly type: string
  readonly key_size: number
  readonly derived: boolean
  readonly convergent_encryption: boolean
  readonly exportable: boolean
  readonly allow_plaintext_backup: boolean
  readonly auto_rotate_period: number
}

/** Keys: list, make, read, delete, rotate. */
export const keyPaths: readonly Path[] = [
  path('keys', {
    summary: 'Names of the keys.',
    list: async (request) => listOf(await keysOf(request).list()),
  }),
  path('keys/:name', {
    summary: 'A key. Making one that is there already changes nothing.',
    fields: {
      properties: {
        type: { type: 'string', default: 'aes256-gcm96', description: 'Type of the key.' },
        key_size: { type: 'integer', default: 0, description: 'Bytes of an hmac key, 32 to 512.' },
        derived: { type: 'boolean', default: false, description: 'Each context has a key of its own.' },
        convergent_encryption: {
          type: 'boolean',
          default: false,
          description: 'The same message gives the same ciphertext.',
        },
        exportable: { type: 'boolean', default: false, description: 'The key itself can be read.' },
        allow_plaintext_backup: { type: 'boolean', default: false },
        auto_rotate_period: {
          type: 'integer',
          format: 'duration',
          default: 0,
          description: 'At least an hour; 0: never.',
        },
        context: { type: 'string' },
      },
    },
    read: async (request) => {
      const key = await keysOf(request).get(nameIn(request))
      return key === undefined ? undefined : shown(key)
    },
    write: async (request) => shown(await keysOf(request).create(nameIn(request), specOf(request.fields))),
    delete: (request) => keysOf(request).remove(nameIn(request)),
  }),
  path('keys/:name/rotate', {
    summary: 'Adds a version, which is used from now on.',
    update: async (request) => shown(await keysOf(request).rotate(nameIn(request), 'key not found')),
  }),
  path('keys/:name/trim', {
    summary: 'Deletes old versions for good.',
    fields: { properties: { min_available_version: { type: 'integer', description: 'Versions below are deleted.' } } },
    update: async (request) => {
      const { min_available_version: first = 0 } = request.fields
      return shown(await keysOf(request).change(nameIn(request), 'invalid key name', (key) => trimmed(key, first)))
    },
  }),
]

export function shown(key: TransitKey): PluginAnswer {
  return data(viewOf(key))
}

/** @throws {PluginRefusal} it asks for what its type cannot be. */
export function specOf(fields: KeyFields): KeySpec {
  const type = keyTypeOf(fields.type)
  const { key_size: keySize, derived, convergent_encryption: convergent } = fields
  if (keySize !== 0 && type !== 'hmac') throw new PluginRefusal(`key_size is not valid for algorithm ${type}`)
  if (keySize !== 0 && (keySize < MIN_HMAC_BYTES || keySize > MAX_HMAC_BYTES))
    throw new PluginRefusal(`invalid key_size ${keySize}`)
  if (convergent && !derived) throw new PluginRefusal('convergent encryption requires derivation to be enabled')
  checkRotation(fields.auto_rotate_period)
  if (derived && !traitsOf(type).derives)
    throw failed(`key derivation and convergent encryption not supported for keys of type ${type}`)
  if (convergent && !traitsOf(type).encrypts)
    throw failed(`convergent encryption not supported for keys of type ${type}`)
  if (type === 'hmac' && keySize === 0)
    throw failed(`invalid key size for HMAC key, must be between ${MIN_HMAC_BYTES} and ${MAX_HMAC_BYTES} bytes`)
  return {
    type,
    keySize,
    derived,
    convergent,
    exportable: fields.exportable,
    allowPlaintextBackup: fields.allow_plaintext_backup,
    autoRotateSeconds: fields.auto_rotate_period,
  }
}

/** @throws {PluginRefusal} it is too short. */
export function checkRotation(seconds: number): void {
  if (seconds !== 0 && seconds < MIN_ROTATION_SECONDS)
    throw new PluginRefusal('auto rotate period must be 0 to disable or at least an hour')
}

function trimmed(key: StoredKey, first: number): StoredKey {
  const { minAvailableVersion, minEncryptionVersion, minDecryptionVersion, versions } = key
  const refuse = (why: string): never => {
    throw new PluginRefusal(why)
  }
  if (first === 0) refuse('missing min_available_version')
  if (first < minAvailableVersion) refuse('minimum available version cannot be decremented')
  if (minEncryptionVersion === 0)
    refuse('minimum available version cannot be set when minimum encryption version is not set')
  if (first > minEncryptionVersion) refuse('minimum available version cannot be greater than minmum encryption version')
  if (first > minDecryptionVersion)
    refuse('minimum available version cannot be greater than minimum decryption version')
  return {
    ...key,
    minAvailableVersion: first,
    versions: Object.fromEntries(Object.entries(versions).filter(([number]) => Number(number) >= first)),
  }
}
