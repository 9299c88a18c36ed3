import { Buffer } from 'node:buffer'
import { isJsonObject, type JsonObject, type JsonValue } from '../../../../lib/model/json.ts'

/** An answer without what differs from run to run: ciphertexts, keys and times become their kind and length. */
export function normalForm(data: JsonValue | undefined, path: string): JsonValue {
  return walk(data ?? null, '', path.split('/')[0] ?? '')
}

function walk(value: JsonValue, name: string, what: string): JsonValue {
  if (Array.isArray(value)) return value.map((item: JsonValue) => walk(item, name, what))
  if (isJsonObject(value)) return walkObject(value, name, what)
  if (typeof value === 'number') return name === 'keys' ? 'seconds' : value
  return typeof value === 'string' ? textForm(value, name, what) : value
}

function walkObject(value: JsonObject, name: string, what: string): JsonObject {
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, part]) => [key, walk(part, name === 'keys' && /^\d+$/.test(key) ? 'keys' : key, what)]),
  )
}

function textForm(text: string, name: string, what: string): string {
  const [, version, body = ''] = /^vault:v(\d+):(.*)$/.exec(text) ?? []
  if (version !== undefined) return `vault:v${version}:${bodyForm(body, name)}`
  const isPlain = name === 'plaintext' && what !== 'datakey' && Buffer.from(text, 'base64').length < 16
  if (isPlain) return text
  if (name === 'creation_time') return 'time'
  if (text.startsWith('-----BEGIN')) return `${text.slice(0, text.indexOf('\n'))}${text.endsWith('\n') ? '\n' : ''}`
  if (
    name === 'random_bytes' ||
    name === 'plaintext' ||
    name === 'keys' ||
    name === 'public_key' ||
    name === 'publickey'
  )
    return `${text.length} characters`
  return text
}

/** A DER signature is some bytes longer or shorter each time. */
function bodyForm(body: string, name: string): string {
  if (name !== 'signature') return `${body.length} characters`
  const bytes = Buffer.from(body, 'base64')
  return bytes[0] === 0x30 && bytes.length === (bytes[1] === 0x81 ? 3 + (bytes[2] ?? 0) : 2 + (bytes[1] ?? 0))
    ? 'DER'
    : `${body.length} characters`
}
