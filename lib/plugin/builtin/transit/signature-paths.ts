import type { JsonObject } from '../../../model/json.ts'
import { type Path, path } from '../../path.ts'
import { PluginRefusal } from '../../refusal.ts'
import { readBase64 } from './base64.ts'
import { contextOf, type Item, type Items, itemsOf, outcomesOf, replyOf } from './batch.ts'
import { keyIn } from './context.ts'
import { hashOf } from './hashes.ts'
import type { TransitKey } from './key.ts'
import { macOf, verifyMac } from './mac.ts'
import { checkScheme, type SignatureScheme, signInput, verifySignature } from './signature.ts'

const COMMON = {
  algorithm: { type: 'string', description: 'Older name of hash_algorithm.' },
  batch_input: { description: 'Many inputs, each with fields of its own.' },
  input: { type: 'string', description: 'Base64.' },
} as const

const SCHEME = {
  context: { type: 'string', description: 'Base64: whose key it is, of a derived key.' },
  hash_algorithm: { type: 'string', description: 'sha2-256 unless told; none: see signature_algorithm.' },
  marshaling_algorithm: { type: 'string', default: 'asn1', description: 'Of ECDSA: asn1 or jws.' },
  prehashed: { type: 'boolean', default: false, description: 'The input is a digest; RSA with pkcs1v15 alone.' },
  salt_length: { type: 'string', default: 'auto', description: 'Of PSS: auto, hash, or bytes.' },
  signature_algorithm: { type: 'string', default: '', description: 'Of RSA: pss or pkcs1v15.' },
} as const

interface SchemeFields {
  readonly algorithm?: string | undefined
  readonly hash_algorithm?: string | undefined
  readonly urlalgorithm?: string | undefined
  readonly marshaling_algorithm: string
  readonly prehashed: boolean
  readonly salt_length: string
  readonly signature_algorithm: string
}

/** Signatures and HMACs: make and verify. */
export const signaturePaths: readonly Path[] = [
  path('sign/:name/:urlalgorithm?', {
    summary: 'Signs.',
    fields: {
      properties: { ...COMMON, ...SCHEME, key_version: { type: 'integer', default: 0, description: '0: the latest.' } },
    },
    update: async (request) => {
      const scheme = schemeOf(request.fields, request.params.urlalgorithm)
      const items = itemsOf(request.fields as Item)
      const key = await keyIn(request, 'signing key not found')
      if (!key.traits.signs) throw new PluginRefusal(`key type ${key.stored.type} does not support signing`)
      const version = request.fields.key_version
      const outcomes = await outcomesOf(items.items, async (item) => {
        const input = inputOf(item, items.isBatch ? 'missing input' : undefined)
        const made = await signInput(
          key,
          input,
          scheme,
          contextOf(item),
          items.isBatch ? version : (item.key_version ?? 0),
        )
        const publicKey =
          made.publicKey === undefined ? {} : { [items.isBatch ? 'publickey' : 'public_key']: made.publicKey }
        return { signature: made.signature, key_version: made.version, ...publicKey }
      })
      return replyOf(items, outcomes, request, { onRefusal: { key_version: 0 } })
    },
  }),
  path('verify/:name/:urlalgorithm?', {
    summary: 'Verifies a signature or an HMAC.',
    fields: {
      properties: {
        ...COMMON,
        ...SCHEME,
        signature: { type: 'string', default: '', description: '`vault:v1:…`' },
        hmac: { type: 'string', default: '', description: '`vault:v1:…`' },
      },
    },
    update: async (request) => {
      const scheme = schemeOf(request.fields, request.params.urlalgorithm)
      const items = itemsOf(request.fields as Item)
      const isMac = areMacs(items)
      const key = await keyIn(request, 'signature verification key not found')
      if (!isMac && !key.traits.signs)
        throw new PluginRefusal(`key type ${key.stored.type} does not support verification`)
      const outcomes = await outcomesOf(items.items, (item) => verified(key, item, scheme, isMac, items.isBatch))
      return replyOf(items, outcomes, request, isMac ? {} : { onRefusal: { valid: false } })
    },
  }),
  path('hmac/:name/:urlalgorithm?', {
    summary: 'Makes an HMAC.',
    fields: {
      properties: {
        ...COMMON,
        algorithm: { type: 'string', default: 'sha2-256', description: 'Hash.' },
        key_version: { type: 'integer', default: 0, description: '0: the latest.' },
      },
    },
    update: async (request) => {
      const items = itemsOf(request.fields as Item)
      const key = await keyIn(request, 'encryption key not found')
      const name = request.params.urlalgorithm ?? request.fields.algorithm
      const hash = hashOf(name)
      if (hash === undefined) throw new PluginRefusal(`unsupported algorithm ${JSON.stringify(name)}`)
      const version = request.fields.key_version
      const outcomes = await outcomesOf(items.items, (item) => ({
        hmac: macOf(key, inputOf(item, 'missing input for HMAC'), hash, version),
      }))
      return replyOf(items, outcomes, request)
    },
  }),
]

function schemeOf(fields: SchemeFields, inPath: string | undefined): SignatureScheme {
  const scheme = {
    hash: inPath ?? (fields.hash_algorithm || fields.algorithm || 'sha2-256'),
    isPrehashed: fields.prehashed,
    algorithm: fields.signature_algorithm,
    marshaling: fields.marshaling_algorithm,
    saltLength: fields.salt_length,
  }
  checkScheme(scheme)
  return scheme
}

function inputOf({ input }: Item, missing: string | undefined): Buffer {
  if (input === undefined && missing !== undefined) throw new PluginRefusal(missing)
  return readBase64(input ?? '', 'unable to decode input as base64: ')
}

/** Are HMACs to be verified, and no signatures? @throws {PluginRefusal} some of each, or neither. */
function areMacs({ isBatch, items }: Items): boolean {
  const signatures = items.filter(({ signature = '' }) => signature !== '').length
  const macs = items.filter(({ hmac = '' }) => hmac !== '').length
  if (!isBatch && signatures + macs === 0)
    throw new PluginRefusal("neither a 'signature' nor an 'hmac' were given to verify")
  if (!isBatch) return signatures === 0
  if (signatures + macs === 0) throw new PluginRefusal("no batch_input elements have 'signature' or 'hmac'")
  if (signatures > 0 && macs > 0)
    throw new PluginRefusal("elements of batch_input must all provide 'signature' or all provide 'hmac'")
  const [what, count] = macs > 0 ? ['hmac', macs] : ['signature', signatures]
  if (count !== items.length) throw new PluginRefusal(`some elements of batch_input are missing '${what}'`)
  return macs > 0
}

async function verified(
  key: TransitKey,
  item: Item,
  scheme: SignatureScheme,
  isMac: boolean,
  isBatch: boolean,
): Promise<JsonObject> {
  const valid = isMac
    ? verifyMac(key, inputOf(item, undefined), hashOf(scheme.hash) ?? '', item.hmac ?? '')
    : await verifySignature(key, inputOf(item, undefined), item.signature ?? '', scheme, contextOf(item))
  // The servers leave a `false` out of batches of HMACs.
  return isBatch && isMac && !valid ? {} : { valid }
}
