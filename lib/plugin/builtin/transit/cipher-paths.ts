import type { JsonObject } from '../../../model/json.ts'
import { type Path, path } from '../../path.ts'
import { PluginRefusal } from '../../refusal.ts'
import { readBase64 } from './base64.ts'
import { contextOf, type Item, type Items, itemsOf, outcomesOf, replyOf } from './batch.ts'
import { type Binding, decrypt, encrypt } from './cipher.ts'
import { keyIn, keysOf, nameIn } from './context.ts'
import { failed } from './failure.ts'
import type { TransitKey } from './key.ts'
import { specOf } from './key-paths.ts'
import { isUpsertDisabled } from './settings-paths.ts'

const MISSING_KEY = 'encryption key not found'
const MISSING_CIPHERTEXT = 'missing ciphertext to decrypt'
/** Types of keys that encrypting can make. */
const UPSERTED: ReadonlySet<string> = new Set(['aes128-gcm96', 'aes256-gcm96', 'chacha20-poly1305'])

const MESSAGE = {
  context: { type: 'string', description: 'Base64: whose key it is, of a derived key.' },
  associated_data: { type: 'string', description: 'Base64: authenticated with the message.' },
  batch_input: { description: 'Many messages, each with fields of its own.' },
  partial_failure_response_code: {
    type: 'integer',
    default: 0,
    minimum: 0,
    maximum: 599,
    description: 'Status of a batch of which a part failed.',
  },
} as const

/** Messages: encrypt, decrypt, rewrap. */
export const cipherPaths: readonly Path[] = [
  path('encrypt/:name', {
    summary: 'Encrypts; makes the key where there is none.',
    fields: {
      properties: {
        ...MESSAGE,
        plaintext: { type: 'string', description: 'Base64.' },
        key_version: { type: 'integer', default: 0, description: '0: the latest.' },
        type: { type: 'string', default: 'aes256-gcm96', description: 'Type of a key that is made.' },
        convergent_encryption: { type: 'boolean', default: false, description: 'Of a key that is made.' },
      },
    },
    exists: async (request) => (await keysOf(request).get(nameIn(request))) !== undefined,
    write: async (request) => {
      const items = itemsOf(given(request.fields))
      refuseMissing(items, 'plaintext', 'missing plaintext to encrypt')
      const hasContext = contextsOf(items)
      const spec = { ...NEW_KEY, ...request.fields, derived: hasContext }
      const key =
        request.operation === 'create' && !(await isUpsertDisabled(request.storage))
          ? await upserted(request, spec)
          : await keyIn(request, MISSING_KEY)
      const outcomes = await outcomesOf(items.items, (item, at) => encrypted(key, item, at))
      return replyOf(items, outcomes, request, { partialStatus: request.fields.partial_failure_response_code })
    },
  }),
  path('decrypt/:name', {
    summary: 'Decrypts.',
    fields: { properties: { ...MESSAGE, ciphertext: { type: 'string', description: '`vault:v1:…`' } } },
    update: async (request) => {
      const items = itemsOf(given(request.fields))
      refuseMissing(items, 'ciphertext', MISSING_CIPHERTEXT)
      contextsOf(items)
      const key = await keyIn(request, MISSING_KEY)
      const outcomes = await outcomesOf(items.items, (item, at) => ({
        plaintext: decrypt(key, ciphertextOf(item), bindingOf(key, item, at)).toString('base64'),
      }))
      const partialStatus = request.fields.partial_failure_response_code
      return replyOf(items, outcomes, request, { onRefusal: { plaintext: '' }, partialStatus })
    },
  }),
  path('rewrap/:name', {
    summary: 'Encrypts with the latest version what an older one encrypted.',
    fields: {
      properties: {
        context: MESSAGE.context,
        batch_input: MESSAGE.batch_input,
        ciphertext: { type: 'string', description: '`vault:v1:…`' },
        key_version: { type: 'integer', default: 0, description: '0: the latest.' },
      },
    },
    update: async (request) => {
      const items = itemsOf(given(request.fields))
      const key = await keyIn(request, MISSING_KEY)
      const outcomes = await outcomesOf(items.items, (item, at) => {
        const binding = bindingOf(key, item, at)
        return told(encrypt(key, decrypt(key, ciphertextOf(item), binding), binding, item.key_version ?? 0))
      })
      return replyOf(items, outcomes, request)
    },
  }),
]

const NEW_KEY = { key_size: 0, exportable: false, allow_plaintext_backup: false, auto_rotate_period: 0 }

/** Fields as items are read from: what is absent is absent. */
function given(fields: object): Item {
  return fields as Item
}

type Spec = Parameters<typeof specOf>[0]

function upserted(request: Parameters<typeof keyIn>[0], spec: Spec): Promise<TransitKey> {
  if (!UPSERTED.has(spec.type)) throw new PluginRefusal(`unknown key type ${spec.type}`)
  if (spec.convergent_encryption && !spec.derived)
    throw new PluginRefusal('convergent encryption requires derivation to be enabled, so context is required')
  return keysOf(request).create(nameIn(request), specOf(spec))
}

/** An empty text is one; what is not there is missing. */
function refuseMissing({ isBatch, items }: Items, name: 'plaintext' | 'ciphertext', why: string): void {
  const missing = items.flatMap((item, at) => (item[name] === undefined ? [at] : []))
  if (missing.length === 0) return
  if (!isBatch) throw new PluginRefusal(why)
  const lines = missing.map((at) => `'[${at}].${name}' ${why}`)
  throw failed(`failed to parse batch input: ${lines.join('\n')}`)
}

/** Have they a context? All or none. @throws {PluginRefusal} some have. */
function contextsOf({ items }: Items): boolean {
  const having = items.filter(({ context = '' }) => context !== '').length
  if (having !== 0 && having !== items.length)
    throw new PluginRefusal('context should be set either in all the request blocks or in none')
  return having > 0
}

function encrypted(key: TransitKey, item: Item, at: number): JsonObject {
  const plaintext = readBase64(item.plaintext ?? '')
  return told(encrypt(key, plaintext, bindingOf(key, item, at), item.key_version ?? 0))
}

function told({ ciphertext, version }: { readonly ciphertext: string; readonly version: number }): JsonObject {
  return { ciphertext, key_version: version }
}

function ciphertextOf({ ciphertext = '' }: Item): string {
  if (ciphertext === '') throw new PluginRefusal(MISSING_CIPHERTEXT)
  return ciphertext
}

/** What `item` is bound to. @throws {PluginRefusal} it has what the key cannot bind. */
export function bindingOf(key: TransitKey, item: Item, at: number): Binding {
  const context = contextOf(item)
  const { associated_data: associated = '' } = item
  if (associated !== '' && key.traits.encrypts && key.traits.cipher === undefined)
    throw new PluginRefusal(`'[${at}].associated_data' provided for non-AEAD cipher suite ${key.stored.type}`)
  try {
    return { context, associatedData: readBase64(associated) }
  } catch (error) {
    const why = error instanceof PluginRefusal ? error.message : ''
    throw failed(`unable to get associated_data/additional_data from factory[${at}]: ${why}`)
  }
}
