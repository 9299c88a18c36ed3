import type { JsonObject, JsonValue } from '../../model/json.ts'

/**
 * Reads the HCL of a password policy, which is no more than this:
 *
 * ```
 * document = { name "=" value | name label* "{" document "}" }
 * value    = number | text
 * ```
 *
 * with `#`, `//` and block comments, and commas allowed between. Blocks become `{ name: [{ label: {…} }] }`, as in
 * HCL's JSON form; of an attribute given twice the last counts.
 *
 * @throws {TypeError} with line and column of what is not of this grammar.
 */
export function readPolicyText(text: string): JsonObject {
  return new Reader(text).document()
}

/** Deepest nesting of blocks and labels; a policy needs two. */
const MAX_DEPTH = 8

const SPACE = /[\s,]*/y
const COMMENT = /#[^\n]*|\/\/[^\n]*|\/\*[\s\S]*?\*\//y
const NAME = /[A-Za-z_][\w.-]*/y
const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?)/y
const TEXT = /"(?:[^"\\\n]|\\.)*"/y

type Block = Record<string, JsonValue>

class Reader {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  document(): JsonObject {
    const document = this.#body(0)
    if (this.#at < this.#text.length) throw this.#error('illegal char')
    return document
  }

  #body(depth: number): JsonObject {
    const body: Block = Object.create(null)
    for (;;) {
      this.#skip()
      const name = this.#take(NAME) ?? this.#string()
      if (name === undefined) return body
      this.#skip()
      if (this.#takeChar('=')) body[name] = this.#value()
      else addBlock(body, name, this.#block(depth + 1))
    }
  }

  /** After the name of a block: its labels, then its body. */
  #block(depth: number): JsonObject {
    if (depth > MAX_DEPTH) throw this.#error('nested too deeply')
    this.#skip()
    const label = this.#take(NAME) ?? this.#string()
    if (label !== undefined) return { [label]: this.#block(depth + 1) }
    if (!this.#takeChar('{')) throw this.#error('illegal char')
    const body = this.#body(depth)
    if (!this.#takeChar('}'))
      throw this.#error(this.#at < this.#text.length ? 'illegal char' : 'object expected closing RBRACE got: EOF')
    return body
  }

  #value(): JsonValue {
    this.#skip()
    const number = this.#take(NUMBER)
    if (number !== undefined) return Number(number.replace(/^-(0[xX])/, '$1')) * (/^-0[xX]/.test(number) ? -1 : 1)
    const text = this.#string()
    if (text === undefined) throw this.#error('a number or a text in double quotes is expected')
    return text
  }

  #string(): string | undefined {
    const start = this.#at
    const quoted = this.#take(TEXT)
    if (quoted === undefined) return undefined
    try {
      return JSON.parse(quoted) as string
    } catch {
      this.#at = start
      throw this.#error('illegal char escape')
    }
  }

  #skip(): void {
    do this.#take(SPACE)
    while (this.#take(COMMENT) !== undefined)
  }

  #take(pattern: RegExp): string | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text)?.[0]
    if (found !== undefined) this.#at += found.length
    return found
  }

  #takeChar(char: string): boolean {
    if (this.#text[this.#at] !== char) return false
    this.#at += 1
    return true
  }

  #error(reason: string): TypeError {
    const before = this.#text.slice(0, this.#at).split('\n')
    // The server counts the end of the text as one more character.
    const column = (before.at(-1)?.length ?? 0) + (this.#at < this.#text.length ? 1 : 2)
    const place = `${before.length}:${column}`
    return new TypeError(`invalid password policy: unable to decode: At ${place}: ${reason}`)
  }
}

function addBlock(body: Block, name: string, block: JsonObject): void {
  const before = body[name]
  body[name] = [...(Array.isArray(before) ? (before as readonly JsonValue[]) : []), block]
}
