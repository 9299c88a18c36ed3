import { Buffer, isUtf8 } from 'node:buffer'
import { isJsonObject, type JsonObject, type JsonValue } from './json.ts'

/** Deepest nesting taken. Real answers stay below 20; what recurses over an answer must not overflow. */
export const MAX_DEPTH = 100

/** Texts up to this length cannot hurt by their depth alone before they are parsed. */
const SCAN_FROM = 64 * 1024

/**
 * The JSON object in `bytes`, frozen at every depth.
 *
 * @returns `undefined` for what is no UTF-8, no JSON, no object, or nested deeper than {@link MAX_DEPTH}. No
 *   reason is given: an engine's message quotes the text.
 */
export function parseObject(bytes: Uint8Array): JsonObject | undefined {
  if (!isUtf8(bytes)) return undefined
  return parseObjectText(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length).toString('utf8'))
}

/** The JSON object in `text`; else as {@link parseObject}. */
export function parseObjectText(text: string): JsonObject | undefined {
  if (text.length > SCAN_FROM && !isShallow(text)) return undefined
  try {
    const value: JsonValue = JSON.parse(text)
    return isJsonObject(value) && freezeWithin(value, MAX_DEPTH) ? value : undefined
  } catch {
    return undefined
  }
}

/** Freezes `value` and all below it. @returns false where it is nested deeper than `levels`. */
function freezeWithin(value: JsonValue, levels: number): boolean {
  if (typeof value !== 'object' || value === null) return true
  if (levels === 0) return false
  Object.freeze(value)
  if (Array.isArray(value)) return value.every((item) => freezeWithin(item, levels - 1))
  const object = value as JsonObject
  for (const key of Object.keys(object)) if (!freezeWithin(object[key] ?? null, levels - 1)) return false
  return true
}

const QUOTE = 0x22
const BACKSLASH = 0x5c

/** Counts brackets outside strings: half a text of `[` would cost the parser many times its size. */
function isShallow(text: string): boolean {
  let depth = 0
  let isText = false
  for (let at = 0; at < text.length; at += 1) {
    const byte = text.charCodeAt(at)
    if (isText) {
      if (byte === BACKSLASH) at += 1
      else if (byte === QUOTE) isText = false
    } else if (byte === QUOTE) isText = true
    else if (byte === 0x7b || byte === 0x5b) {
      depth += 1
      if (depth > MAX_DEPTH) return false
    } else if (byte === 0x7d || byte === 0x5d) depth -= 1
  }
  return true
}
