import { Buffer } from 'node:buffer'
import { StorageError } from '../../errors/index.ts'
import { type Sealed, seal, unseal } from '../../model/sealed.ts'
import { stringOption, typed } from '../../options/check.ts'
import { ROOT_KEY_BYTES } from './ring-seal.ts'

/** Where the root key of a storage comes from: {@link rootKeyFile}, `rootKeyVariable`, `transitSeal`, or one of your own. */
export interface RootKeySource {
  /** What kind of place it is; a host refuses some of them together with plugins that could read there. */
  readonly kind: 'file' | 'environment' | 'seal' | 'other'
  /**
   * The key, once, at the start.
   *
   * @param stored - What an earlier `toStore` was; `undefined` where there was none.
   * @param isFirst - There is no key ring yet, so a new key may be made.
   * @throws {StorageError} `ERR_PORTCULLIS_STORAGE_KEY`.
   */
  open(stored: Uint8Array | undefined, isFirst: boolean): Promise<RootKey>
}

/** A root key, for the moment in which it is used. */
export interface RootKey {
  /** 32 bytes, which are overwritten once they have been used. */
  readonly key: Sealed<Uint8Array>
  /** Is kept beside the key ring and given to the next `open`: the key, encrypted elsewhere. */
  readonly toStore?: Uint8Array
}

/**
 * A root key in base64, in a variable of the environment.
 *
 * Anything of the same user can read it there (`/proc`), plugins of isolation level `crash` too; a file is no better
 * against those, but is not handed on to every child process.
 *
 * @param name - Of the variable, as in `PORTCULLIS_ROOT_KEY`. Make a key with `openssl rand -base64 32`.
 */
export function rootKeyVariable(name: string, environment: NodeJS.ProcessEnv = process.env): RootKeySource {
  stringOption('name', name, '')
  return {
    kind: 'environment',
    async open() {
      const text = environment[name]?.trim() ?? ''
      const key = Buffer.from(text, 'base64')
      if (text === '' || key.toString('base64') !== text || key.length !== ROOT_KEY_BYTES) {
        throw keyError(`the variable ${name} must hold ${ROOT_KEY_BYTES} bytes in base64`)
      }
      return { key: seal(key) }
    },
  }
}

/** A root key that the program has. It is copied at each use. @throws {TypeError} it has not 32 bytes. */
export function rootKeyOf(key: Uint8Array): RootKeySource {
  if (!(key instanceof Uint8Array) || key.length !== ROOT_KEY_BYTES) {
    throw new TypeError(`the root key must be a Uint8Array of ${ROOT_KEY_BYTES} bytes, got ${typed(key)}`)
  }
  const kept = seal(Buffer.from(key))
  return { kind: 'other', open: async () => ({ key: seal(Buffer.from(unseal(kept))) }) }
}

/** A refusal of a root key. Its message never shows the key. */
export function keyError(message: string, cause?: unknown, temporary = false): StorageError {
  return new StorageError('ERR_PORTCULLIS_STORAGE_KEY', message, { cause, temporary })
}
