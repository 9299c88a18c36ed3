import { createCipheriv, createDecipheriv, createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../model/json.ts'
import type { Backend, Call, Outcome } from '../backend.ts'
import { Refusal } from '../exchange.ts'
import { textField } from './fields.ts'

/** Keys by name; version n stands at n - 1. */
type Keys = Map<string, Buffer[]>

/** Transit in short: encrypt, decrypt, rewrap, hmac, sign, verify, with batches. A key is made when first used. Not for real secrets. */
export function createTransit(): Backend {
  const keys: Keys = new Map()
  return {
    handle(call): Outcome {
      const [, part = '', name = ''] = /^([^/]*)\/?(.*)$/.exec(call.rest) ?? []
      if (part === 'keys') return onKey(keys, name, call)
      const run = ACTIONS[part]
      if (run === undefined) throw new Refusal(404, 'unsupported path')
      const key = keyOf(keys, name, part)
      const { batch_input: batch } = call.data
      return Array.isArray(batch) ? batched(key, batch, run) : { data: run(key, call.data) }
    },
  }
}

function onKey(keys: Keys, path: string, { operation }: Call): Outcome {
  const [name = '', action] = path.split('/')
  if (action === 'rotate') keyOf(keys, name, 'encrypt').push(randomBytes(32))
  else if (operation === 'read') return described(keys, name)
  else if (operation === 'write') keyOf(keys, name, 'encrypt')
  return {}
}

function described(keys: Keys, name: string): Outcome {
  const versions = keys.get(name)
  if (versions === undefined) throw new Refusal(404)
  return { data: { name, type: 'aes256-gcm96', latest_version: versions.length } }
}

function keyOf(keys: Keys, name: string, part: string): Buffer[] {
  const known = keys.get(name)
  if (known !== undefined) return known
  if (part !== 'encrypt') throw new Refusal(400, 'encryption key not found')
  const made = [randomBytes(32)]
  keys.set(name, made)
  return made
}

/** One that fails makes the whole 400, with data: the others are done all the same. */
function batched(key: readonly Buffer[], batch: readonly JsonValue[], run: Action): Outcome {
  const results = batch.map((item) => {
    const reference = isJsonObject(item) ? textField(item, 'reference') : ''
    try {
      return { ...run(key, isJsonObject(item) ? item : {}), reference }
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      return { error: error.errors.join('; '), reference }
    }
  })
  const isWhole = results.every((result) => !('error' in result))
  return { status: isWhole ? 200 : 400, data: { batch_results: results } }
}

type Action = (key: readonly Buffer[], data: JsonObject) => JsonObject

const ACTIONS: Readonly<Record<string, Action>> = {
  encrypt: (key, data) => encrypted(key, base64Field(data, 'plaintext')),
  decrypt: (key, data) => ({ plaintext: decrypted(key, textField(data, 'ciphertext')).toString('base64') }),
  rewrap: (key, data) => encrypted(key, decrypted(key, textField(data, 'ciphertext'))),
  hmac: (key, data) => ({ hmac: mac(key, base64Field(data, 'input')) }),
  sign: (key, data) => ({ signature: mac(key, base64Field(data, 'input')), key_version: key.length }),
  verify: (key, data) => ({
    valid: isSame(mac(key, base64Field(data, 'input')), textField(data, 'signature') || textField(data, 'hmac')),
  }),
}

function base64Field(data: JsonObject, name: string): Buffer {
  const text = textField(data, name)
  if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(text))
    throw new Refusal(400, 'illegal base64 data at input byte 0')
  return Buffer.from(text, 'base64')
}

function encrypted(key: readonly Buffer[], plaintext: Buffer): JsonObject {
  const nonce = randomBytes(12)
  const cipher = createCipheriv('aes-256-gcm', key.at(-1) ?? Buffer.alloc(32), nonce)
  const sealed = Buffer.concat([nonce, cipher.update(plaintext), cipher.final(), cipher.getAuthTag()])
  return { ciphertext: `vault:v${key.length}:${sealed.toString('base64')}`, key_version: key.length }
}

function decrypted(key: readonly Buffer[], ciphertext: string): Buffer {
  const [, version = '', text = ''] = /^vault:v(\d+):(.+)$/.exec(ciphertext) ?? []
  const secret = key[Number(version) - 1]
  if (secret === undefined) throw new Refusal(400, 'invalid ciphertext: no prefix')
  const sealed = Buffer.from(text, 'base64')
  if (sealed.length < 28) throw new Refusal(400, 'invalid ciphertext: could not decode base64')
  const decipher = createDecipheriv('aes-256-gcm', secret, sealed.subarray(0, 12))
  decipher.setAuthTag(sealed.subarray(-16))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(12, -16)), decipher.final()])
  } catch {
    throw new Refusal(400, 'cipher: message authentication failed')
  }
}

function mac(key: readonly Buffer[], input: Buffer): string {
  return `vault:v${key.length}:${createHmac('sha256', key.at(-1) ?? '')
    .update(input)
    .digest('base64')}`
}

function isSame(a: string, b: string): boolean {
  return a.length === b.length && timingSafeEqual(Buffer.from(a), Buffer.from(b))
}
