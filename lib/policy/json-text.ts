/** Why a text is no JSON, and where; from 1, columns in UTF-16 units. */
export class JsonTextError extends Error {
  readonly line: number
  readonly column: number

  constructor(line: number, column: number, problem: string) {
    super(problem)
    this.line = line
    this.column = column
  }
}

/** Deepest nesting read; policies need far less. */
export const JSON_MAX_DEPTH = 64

/**
 * The value of a JSON text, stricter than `JSON.parse`: of two members with one name the second is
 * refused, not taken in silence, and so is nesting beyond {@link JSON_MAX_DEPTH}.
 *
 * @throws {JsonTextError} with the line.
 */
export function parseJsonText(text: string): unknown {
  return new Reader(text).whole()
}

const SPACE = /[ \t\n\r]*/y
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y
const NUMBER = /-?(?:0|[1-9][0-9]*)(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?/y
const WORD = /true|false|null/y
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
])

class Reader {
  readonly #text: string
  #at = 0
  #depth = 0

  constructor(text: string) {
    this.#text = text
  }

  whole(): unknown {
    this.#at = this.#text.indexOf('\uFFFD')
    if (this.#at !== -1) throw this.#problem('the text is not UTF-8, or holds U+FFFD, which stands for what is not')
    this.#at = 0
    const value = this.#value()
    if (this.#at < this.#text.length) throw this.#problem('there is more after the end of the document')
    return value
  }

  #value(): unknown {
    this.#take(SPACE)
    const value = this.#bare()
    this.#take(SPACE)
    return value
  }

  #bare(): unknown {
    const first = this.#text[this.#at]
    if (first === '{') return this.#nested(() => this.#object())
    if (first === '[') return this.#nested(() => this.#array())
    if (first === '"') return this.#string()
    const word = WORDS.get(this.#take(WORD))
    if (word !== undefined) return word
    const number = this.#take(NUMBER)
    if (number === '') throw this.#unexpected('a value')
    const value = Number(number)
    if (!Number.isFinite(value)) throw this.#problem('the number is out of range: it would be read as infinite')
    return value
  }

  #nested(read: () => unknown): unknown {
    this.#depth += 1
    if (this.#depth > JSON_MAX_DEPTH) throw this.#problem(`nested deeper than ${JSON_MAX_DEPTH} levels`)
    this.#at += 1
    const value = read()
    this.#depth -= 1
    return value
  }

  #object(): unknown {
    const members: [string, unknown][] = []
    const seen = new Set<string>()
    this.#take(SPACE)
    if (this.#skip('}')) return {}
    do {
      this.#take(SPACE)
      const name = this.#string()
      if (seen.has(name)) throw this.#problem(`the name ${JSON.stringify(name)} stands twice in one object`)
      seen.add(name)
      this.#take(SPACE)
      if (!this.#skip(':')) throw this.#unexpected('":"')
      members.push([name, this.#value()])
    } while (this.#skip(','))
    if (!this.#skip('}')) throw this.#unexpected('"," or "}"')
    return Object.fromEntries(members)
  }

  #array(): unknown {
    const items: unknown[] = []
    this.#take(SPACE)
    if (this.#skip(']')) return items
    do items.push(this.#value())
    while (this.#skip(','))
    if (!this.#skip(']')) throw this.#unexpected('"," or "]"')
    return items
  }

  #string(): string {
    const token = this.#take(STRING)
    if (token === '') throw this.#unexpected('a name or text in double quotes')
    return JSON.parse(token) as string
  }

  #take(token: RegExp): string {
    token.lastIndex = this.#at
    const found = token.exec(this.#text)?.[0] ?? ''
    this.#at += found.length
    return found
  }

  #skip(mark: string): boolean {
    if (this.#text[this.#at] !== mark) return false
    this.#at += 1
    return true
  }

  #unexpected(wanted: string): JsonTextError {
    if (this.#at >= this.#text.length) return this.#problem(`the text ends where ${wanted} should stand`)
    if (/^\/[/*]/.test(this.#text.slice(this.#at, this.#at + 2)))
      return this.#problem('comments are not allowed in a policy')
    return this.#problem(`expected ${wanted}, found ${JSON.stringify(this.#text[this.#at])}`)
  }

  #problem(problem: string): JsonTextError {
    const before = this.#text.slice(0, this.#at)
    return new JsonTextError(before.split('\n').length, before.length - before.lastIndexOf('\n'), problem)
  }
}
