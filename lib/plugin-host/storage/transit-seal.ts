import { Buffer } from 'node:buffer'
import { createHash, randomBytes } from 'node:crypto'
import { PortcullisError } from '../../errors/index.ts'
import { seal } from '../../model/sealed.ts'
import { stringOption } from '../../options/check.ts'
import { corrupt } from './record.ts'
import { ROOT_KEY_BYTES } from './ring-seal.ts'
import { keyError, type RootKey, type RootKeySource } from './root-key.ts'

/** What keeps a root key safe elsewhere: a transit engine, a key service, a security module. */
export interface SealFunctions {
  encrypt(plaintext: Uint8Array): Promise<Uint8Array>
  /** Gives what `encrypt` was given. */
  decrypt(ciphertext: Uint8Array): Promise<Uint8Array>
}

/** What {@link transitSeal} asks of a gateway. */
export interface TransitGateway {
  write(path: string, data: { readonly [name: string]: string }): Promise<{ readonly data: unknown }>
}

/**
 * A root key made at the first start, kept beside the storage, encrypted by `functions`: it unseals by itself as long
 * as those can be reached. They are asked once, at each start.
 */
export function sealedRootKey(functions: SealFunctions): RootKeySource {
  return {
    kind: 'seal',
    async open(stored, isFirst) {
      if (stored !== undefined) return { key: seal(await unwrap(functions, stored)) }
      if (!isFirst) throw keyError('the storage was not sealed with a wrapped root key')
      return wrap(functions)
    },
  }
}

/**
 * A root key that the transit engine of a server keeps: auto-unseal. The key in transit must be of a kind that encrypts,
 * and the token of `gateway` may `update` at `MOUNT/encrypt/KEY` and `MOUNT/decrypt/KEY`.
 *
 * Give it a gateway of a server, with an audit device: it sees each start. When the key in transit is rotated, older
 * ciphertexts stay readable until its `min_decryption_version` is raised; rekey the storage before that.
 *
 * @param key - Name of the key in transit.
 * @param mount - Path of the engine. Default: `transit`.
 *
 * @example
 * const storage = await createStorage({ driver: lmdb('/var/lib/app'), rootKey: transitSeal(gateway, 'portcullis') })
 */
export function transitSeal(gateway: TransitGateway, key: string, mount = 'transit'): RootKeySource {
  stringOption('key', key, '')
  const base = stringOption('mount', mount, '').replace(/\/$/, '')
  const ask = async (call: string, name: string, value: string, wanted: string): Promise<string> => {
    const { data } = await gateway.write(`${base}/${call}/${key}`, { [name]: value })
    const text = (data as { readonly [name: string]: unknown } | undefined)?.[wanted]
    if (typeof text !== 'string' || text === '') throw keyError(`${base}/${call}/${key} answered without ${wanted}`)
    return text
  }
  return sealedRootKey({
    encrypt: async (clear) =>
      Buffer.from(await ask('encrypt', 'plaintext', Buffer.from(clear).toString('base64'), 'ciphertext')),
    decrypt: async (text) =>
      Buffer.from(await ask('decrypt', 'ciphertext', Buffer.from(text).toString(), 'plaintext'), 'base64'),
  })
}

/** Stored: format (1 byte), SHA-256 of the ciphertext, ciphertext: damage here is no refusal there. */
const FORMAT = 1
const TEXT_AT = 33

async function wrap(functions: SealFunctions): Promise<RootKey> {
  const key = randomBytes(ROOT_KEY_BYTES)
  // Its own copy: one that keeps or overwrites what it is given does no harm.
  const text = await asked('encrypted', () => functions.encrypt(Buffer.from(key)))
  const back = await asked('decrypted', () => functions.decrypt(Buffer.from(text)))
  // What cannot be opened again would lock the storage for good at the next start.
  if (!key.equals(back)) throw keyError('the root key did not come back from its seal as it was')
  back.fill(0)
  return { key: seal(key), toStore: Buffer.concat([Buffer.of(FORMAT), sumOf(text), text]) }
}

async function unwrap(functions: SealFunctions, stored: Uint8Array): Promise<Uint8Array> {
  const record = Buffer.from(stored)
  const text = record.subarray(TEXT_AT)
  const isWhole = record[0] === FORMAT && record.subarray(1, TEXT_AT).equals(sumOf(text))
  if (!isWhole) throw corrupt('barrier/root-key', 'was not written so')
  const key = await asked('decrypted', () => functions.decrypt(Buffer.from(text)))
  if (key.length !== ROOT_KEY_BYTES) throw keyError('what its seal gave is no root key')
  return key
}

async function asked(done: string, run: () => Promise<Uint8Array>): Promise<Uint8Array> {
  try {
    return new Uint8Array(await run())
  } catch (cause) {
    const isTemporary = cause instanceof PortcullisError && cause.temporary
    throw keyError(`the root key could not be ${done} by its seal`, cause, isTemporary)
  }
}

function sumOf(text: Uint8Array): Buffer {
  return createHash('sha256').update(text).digest()
}
