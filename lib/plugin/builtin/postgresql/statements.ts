import { Buffer } from 'node:buffer'
import { PluginRefusal } from '../../refusal.ts'

/** Values of the placeholders of a statement; a placeholder that is not among them stays as it is. */
export type StatementValues = Readonly<Record<string, string>>

/** Where in a statement a placeholder stands, and so how its value is quoted there. */
type Place = 'code' | 'text' | 'escaped text' | 'identifier' | 'escaped identifier' | 'comment'

const PLACEHOLDER = '\\{\\{(?<name>\\w+)\\}\\}'
const TAG = '\\$(?:[A-Za-z_\\u0080-\\uffff][\\w\\u0080-\\uffff]*)?\\$'
/** What starts another place; words are matched whole, so that a `$` or an `e` at the end of one starts nothing. */
const CODE = new RegExp(
  `${PLACEHOLDER}|(?<open>(?:[eE]|[uU]&)?'|(?:[uU]&)?"|--|/\\*|${TAG})|[A-Za-z_\\u0080-\\uffff][\\w$\\u0080-\\uffff]*`,
  'g',
)
const ENDS: Readonly<Record<Exclude<Place, 'code' | 'comment'>, RegExp>> = {
  text: new RegExp(`${PLACEHOLDER}|''|(?<end>')`, 'g'),
  'escaped text': new RegExp(`${PLACEHOLDER}|\\\\[^]|''|(?<end>')`, 'g'),
  identifier: new RegExp(`${PLACEHOLDER}|""|(?<end>")`, 'g'),
  'escaped identifier': new RegExp(`${PLACEHOLDER}|""|(?<end>")`, 'g'),
}
const CONTINUATION = /(?:[ \t\f\v]|--[^\n\r]*)*[\n\r](?:\s|--[^\n\r]*[\n\r])*'/y
const LINE_COMMENT = new RegExp(`${PLACEHOLDER}|(?<end>\\n)`, 'g')
const BLOCK_COMMENT = new RegExp(`${PLACEHOLDER}|(?<more>/\\*)|(?<end>\\*/)`, 'g')

/**
 * `statement` with `values` in the place of `{{name}}` and the like, quoted for where they stand.
 *
 * Role statements are written for a server that puts values in as they are: `"{{name}}"`, `'{{password}}'`. A quote
 * in a display name would end the text there, and the rest of it would be run. Here a value stays what it is: quotes
 * are doubled within quotes, backslashes too in `E'…'` and `U&'…'`; outside of quotes a value must be a plain
 * identifier; within `$$…$$`, where nobody can tell how often it will be unquoted, it must be without quotes,
 * backslashes, dollar signs and, for names, spaces. Pure.
 *
 * @throws {PluginRefusal} a value cannot stand where the statement has it. Tells which placeholder, never the value.
 */
export function fillStatement(statement: string, values: StatementValues): string {
  return new Filling(statement, values, false).run()
}

class Filling {
  readonly #text: string
  readonly #values: StatementValues
  /** Within `$$…$$`. */
  readonly #isNested: boolean
  #at = 0
  #filled = ''

  constructor(text: string, values: StatementValues, isNested: boolean) {
    this.#text = text
    this.#values = values
    this.#isNested = isNested
  }

  run(): string {
    for (let found = this.#next(CODE); found !== undefined; found = this.#next(CODE)) {
      const { name, open } = found.groups ?? {}
      if (name !== undefined) this.#put(name, found[0], 'code')
      else {
        this.#filled += found[0]
        if (open !== undefined) this.#opened(open)
      }
    }
    return this.#filled
  }

  #opened(open: string): void {
    if (open.startsWith('$')) this.#dollarQuoted(open)
    else if (open === '--') this.#comment(LINE_COMMENT)
    else if (open === '/*') this.#comment(BLOCK_COMMENT)
    else this.#quoted(placeOf(open))
  }

  #quoted(place: keyof typeof ENDS): void {
    for (let found = this.#next(ENDS[place]); found !== undefined; found = this.#next(ENDS[place])) {
      const { name, end } = found.groups ?? {}
      if (name !== undefined) this.#put(name, found[0], place)
      else this.#filled += found[0]
      if (end !== undefined && !this.#goesOn(place)) return
    }
  }

  /** A text that ends before a line break goes on in the next quotes, by the rules of the first ones. */
  #goesOn(place: keyof typeof ENDS): boolean {
    CONTINUATION.lastIndex = this.#at
    const found = place === 'escaped text' ? CONTINUATION.exec(this.#text) : null
    if (found === null) return false
    this.#filled += found[0]
    this.#at = CONTINUATION.lastIndex
    return true
  }

  #comment(pattern: RegExp): void {
    let depth = 1
    for (let found = this.#next(pattern); found !== undefined; found = this.#next(pattern)) {
      const { name, more, end } = found.groups ?? {}
      if (name !== undefined) this.#put(name, found[0], 'comment')
      else this.#filled += found[0]
      if (more !== undefined) depth += 1
      if (end !== undefined) depth -= 1
      if (depth === 0) return
    }
  }

  #dollarQuoted(tag: string): void {
    const end = this.#text.indexOf(tag, this.#at)
    const body = this.#text.slice(this.#at, end === -1 ? undefined : end)
    this.#filled += new Filling(body, this.#values, true).run()
    this.#at += body.length
    if (end === -1) return
    this.#filled += tag
    this.#at += tag.length
  }

  /** The next match; what lies before it is taken as it is. All the rest is, where there is none. */
  #next(pattern: RegExp): RegExpExecArray | undefined {
    pattern.lastIndex = this.#at
    const found = pattern.exec(this.#text) ?? undefined
    this.#filled += this.#text.slice(this.#at, found?.index)
    this.#at = found === undefined ? this.#text.length : found.index + found[0].length
    return found
  }

  #put(name: string, placeholder: string, place: Place): void {
    const value = Object.hasOwn(this.#values, name) ? this.#values[name] : undefined
    this.#filled += value === undefined ? placeholder : quoted(value, place, name, this.#isNested)
  }
}

function placeOf(open: string): keyof typeof ENDS {
  if (open.endsWith("'")) return open.length > 1 ? 'escaped text' : 'text'
  return open.length > 1 ? 'escaped identifier' : 'identifier'
}

const IDENTIFIER = /^[A-Za-z_][A-Za-z0-9_]*$/
const HARMLESS = /^[^'"\\$\p{Cc}]*$/u
const HARMLESS_NAME = /^[\p{L}\p{M}\p{N}_.:+@-]*$/u

function quoted(value: string, place: Place, name: string, isNested: boolean): string {
  if (value.includes('\0')) throw unfit(name, 'has a zero byte')
  if (place === 'code' && !IDENTIFIER.test(value))
    throw unfit(name, 'needs quotes around it: it is no plain identifier')
  if (place === 'comment' && !HARMLESS_NAME.test(value)) throw unfit(name, 'cannot stand in a comment')
  if (isNested && !(name === 'name' || name === 'username' ? HARMLESS_NAME : HARMLESS).test(value))
    throw unfit(name, 'has characters that cannot stand in a dollar-quoted text')
  if (place === 'text') return value.replaceAll("'", "''")
  if (place === 'identifier') return value.replaceAll('"', '""')
  if (place === 'escaped text') return value.replaceAll('\\', '\\\\').replaceAll("'", "''")
  if (place === 'escaped identifier') return value.replaceAll('\\', '\\\\').replaceAll('"', '""')
  return value
}

function unfit(name: string, why: string): PluginRefusal {
  return new PluginRefusal(`the value of {{${name}}} ${why}`)
}

/** `name` as an identifier in SQL. */
export function identifier(name: string): string {
  return `"${name.replaceAll('"', '""')}"`
}

/**
 * Statements as they are configured: texts, each of one or more statements, or base64 of that, or a JSON list of texts.
 *
 * They are not parted at their semicolons here: the database does that, which knows how.
 */
export function commandsOf(statements: readonly string[]): readonly string[] {
  return statements.flatMap((text) => listOf(decoded(text.trim()))).filter((text) => text.trim() !== '')
}

const BASE64 = /^(?:[A-Za-z0-9+/]{4})+(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** A lone word is base64 too by its letters; what it would mean then is no text with a space in it. */
function decoded(text: string): string {
  if (!BASE64.test(text)) return text
  try {
    const plain = new TextDecoder('utf-8', { fatal: true }).decode(Buffer.from(text, 'base64'))
    return /[\s"]/.test(plain) ? plain : text
  } catch {
    return text
  }
}

function listOf(text: string): readonly string[] {
  if (!text.startsWith('[')) return [text]
  try {
    const list: unknown = JSON.parse(text)
    return Array.isArray(list) && list.every((item) => typeof item === 'string') ? list : [text]
  } catch {
    return [text]
  }
}
