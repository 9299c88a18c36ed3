import { Buffer } from 'node:buffer'
import type { CallOptions } from '../model/gateway.ts'
import type { JsonObject } from '../model/json.ts'
import type { TransitMount } from '../model/mounts.ts'
import type { Calls } from './kv.ts'
import { textField } from './text.ts'

/** A view of the transit mount at `mount`. */
export function createTransit(calls: Calls, mount: string): TransitMount {
  const ask = async (
    verb: string,
    key: string,
    data: JsonObject,
    field: string,
    options?: CallOptions,
  ): Promise<string> => {
    const path = `${mount}/${verb}/${key}`
    const answer = await calls.write(path, data, options)
    return textField(answer.data, field, 'write', path)
  }
  return {
    encrypt: (key, plaintext, options) => ask('encrypt', key, { plaintext: base64(plaintext) }, 'ciphertext', options),
    async decrypt(key, ciphertext, options): Promise<Uint8Array> {
      return Buffer.from(await ask('decrypt', key, { ciphertext }, 'plaintext', options), 'base64')
    },
    rewrap: (key, ciphertext, options) => ask('rewrap', key, { ciphertext }, 'ciphertext', options),
    sign: (key, message, options) => ask('sign', key, { input: base64(message) }, 'signature', options),
    async verify(key, message, signature, options): Promise<boolean> {
      const answer = await calls.write(`${mount}/verify/${key}`, { input: base64(message), signature }, options)
      return answer.data.valid === true
    },
    hmac: (key, message, options) => ask('hmac', key, { input: base64(message) }, 'hmac', options),
  }
}

function base64(bytes: Uint8Array | string): string {
  return Buffer.from(bytes as string).toString('base64')
}
