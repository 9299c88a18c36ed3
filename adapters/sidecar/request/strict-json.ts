import { type Buffer, isUtf8 } from 'node:buffer'
import type { JsonObject } from 'portcullis'
import { Refused } from './refused.ts'

/** Deepest nesting taken; the gateway takes as much. */
const MAX_DEPTH = 64

/**
 * The object in a body, as every reader must read it.
 *
 * What is judged is sent, written anew: so what two readers read differently (a name that stands twice), or what would be
 * lost on the way (digits of a number), is refused.
 *
 * @throws {Refused} 400; nothing of the body is in its message.
 */
export function parseStrict(bytes: Buffer): JsonObject {
  if (!isUtf8(bytes)) throw new Refused(400, 'the body is not UTF-8')
  const text = bytes.toString('utf8')
  if (!isShallow(text)) throw new Refused(400, `the body is nested deeper than ${MAX_DEPTH} levels`)
  let value: unknown
  try {
    value = JSON.parse(text)
  } catch {
    throw new Refused(400, 'the body is no JSON, or there is more after its end')
  }
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw new Refused(400, 'the body must be a JSON object')
  checkMembers(text)
  return value as JsonObject
}

/** Index just past the string that begins at `at`. */
function stringEnd(text: string, at: number): number {
  for (let end = at + 1; end < text.length; end += 1) {
    const close = text.indexOf('"', end)
    if (close === -1) return text.length
    let slashes = 0
    while (text[close - 1 - slashes] === '\\') slashes += 1
    if (slashes % 2 === 0) return close + 1
    end = close
  }
  return text.length
}

/** Looked at before the text is parsed: brackets alone would cost many times their size. */
function isShallow(text: string): boolean {
  let depth = 0
  for (let at = 0; at < text.length; at += 1) {
    const mark = text.charCodeAt(at)
    if (mark === 0x22) at = stringEnd(text, at) - 1
    else if (mark === 0x7b || mark === 0x5b) {
      depth += 1
      if (depth > MAX_DEPTH) return false
    } else if (mark === 0x7d || mark === 0x5d) depth -= 1
  }
  return true
}

const NUMBER = /-?\d[\d.eE+-]*/y

/** Walks a text that is known to be JSON. */
function checkMembers(text: string): void {
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at += 1) {
    const mark = text[at]
    if (mark === '{') open.push(new Set())
    else if (mark === '[') open.push(undefined)
    else if (mark === '}' || mark === ']') open.pop()
    else if (mark === '"') {
      const end = stringEnd(text, at)
      const names = open.at(-1)
      if (names !== undefined && isName(text, end)) takeName(names, JSON.parse(text.slice(at, end)))
      at = end - 1
    } else if (mark === '-' || (mark !== undefined && mark >= '0' && mark <= '9')) {
      NUMBER.lastIndex = at
      const number = NUMBER.exec(text)?.[0] ?? mark
      if (!isKept(number)) throw new Refused(400, 'the body has a number that would lose digits; send it as a string')
      at += number.length - 1
    }
  }
}

function isName(text: string, end: number): boolean {
  for (let at = end; at < text.length; at += 1) {
    const mark = text.charCodeAt(at)
    if (mark === 0x20 || mark === 0x09 || mark === 0x0a || mark === 0x0d) continue
    return mark === 0x3a
  }
  return false
}

function takeName(names: Set<string>, name: string): void {
  if (names.has(name)) throw new Refused(400, 'the body has a name twice in one object')
  names.add(name)
}

/** Does the number keep its value through a double, which is what it is judged as? */
function isKept(text: string): boolean {
  const value = Number(text)
  return Number.isFinite(value) && canonical(text) === canonical(String(value))
}

/** Digits without zeros at either end, and the power of ten of the last one. */
function canonical(text: string): string {
  const [, whole = '', part = '', power = '0'] = /^-?(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d+))?$/.exec(text) ?? []
  const digits = `${whole}${part}`.replace(/^0+/, '')
  const short = digits.replace(/0+$/, '')
  return short === '' ? '0' : `${short}e${Number(power) - part.length + digits.length - short.length}`
}
