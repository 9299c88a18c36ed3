import type { JsonObject, JsonValue } from '../../model/json.ts'
import { type Recorded, UnknownText } from './unknown-text.ts'

/** Values of a field that are listed rather than told by type; only of those left in clear. */
const ENUM_MAX = 8
/** More names than this in one object are values of the caller's choosing. */
const NAMES_MAX = 30
/** Deeper data may be anything. */
const MAX_DEPTH = 8
/** A length that a text of unknown length is not limited to. */
const NO_LIMIT = Number.POSITIVE_INFINITY

type Kind = 'string' | 'integer' | 'number' | 'boolean' | 'null' | 'array' | 'object'

/** What the values seen at one place have in common; the narrowest schema that takes them all. */
export class SeenSchema {
  readonly #kinds = new Set<Kind>()
  #count = 0
  /** Texts in clear; `undefined` once there are too many, or some are not. */
  #texts: Set<string> | undefined = new Set()
  #maxLength = 0
  #items: SeenSchema | undefined
  readonly #members = new Map<string, SeenSchema>()
  #others: SeenSchema | undefined
  readonly #depth: number

  constructor(depth = 0) {
    this.#depth = depth
  }

  add(value: Recorded): void {
    this.#count += 1
    this.#kinds.add(kindOf(value))
    if (value instanceof UnknownText) this.#text(undefined, value.max)
    else if (typeof value === 'string') this.#text(value, [...value].length)
    else if (Array.isArray(value)) this.#list(value)
    else if (typeof value === 'object' && value !== null) this.#object(value as { readonly [name: string]: Recorded })
  }

  /** The schema, for data or a value within it. */
  schema(): JsonObject {
    if (this.#depth > MAX_DEPTH) return {}
    if (this.#kinds.has('integer') && this.#kinds.has('number')) this.#kinds.delete('integer')
    const kinds = [...this.#kinds].sort()
    const type = { type: kinds.length === 1 ? (kinds[0] ?? 'null') : kinds }
    return { ...type, ...this.#ofTexts(kinds), ...this.#ofLists(), ...this.#ofObjects() }
  }

  #text(clear: string | undefined, length: number): void {
    this.#maxLength = Math.max(this.#maxLength, length)
    if (clear === undefined) this.#texts = undefined
    this.#texts?.add(clear ?? '')
    if ((this.#texts?.size ?? 0) > ENUM_MAX) this.#texts = undefined
  }

  #list(value: readonly Recorded[]): void {
    this.#items ??= new SeenSchema(this.#depth + 1)
    for (const item of value) this.#items.add(item)
  }

  #object(value: { readonly [name: string]: Recorded }): void {
    for (const [name, member] of Object.entries(value)) {
      const known = this.#others === undefined ? this.#members.get(name) : this.#others
      if (known !== undefined) known.add(member)
      else this.#name(name, member)
    }
  }

  /** With too many names, all of them become one. */
  #name(name: string, member: Recorded): void {
    const seen = new SeenSchema(this.#depth + 1)
    seen.add(member)
    this.#members.set(name, seen)
    this.#joinNames()
  }

  #joinNames(): void {
    if (this.#members.size <= NAMES_MAX) return
    this.#others = new SeenSchema(this.#depth + 1)
    for (const each of this.#members.values()) this.#others.merge(each)
    this.#members.clear()
  }

  /** Takes in all that `other` has seen. */
  merge(other: SeenSchema): void {
    this.#count += other.#count
    for (const kind of other.#kinds) this.#kinds.add(kind)
    this.#maxLength = Math.max(this.#maxLength, other.#maxLength)
    if (other.#texts === undefined) this.#texts = undefined
    for (const text of other.#texts ?? []) this.#text(text, 0)
    if (other.#items !== undefined) {
      this.#items ??= new SeenSchema(this.#depth + 1)
      this.#items.merge(other.#items)
    }
    if (other.#others !== undefined || this.#others !== undefined) this.#mergeOthers(other)
    else {
      for (const [name, seen] of other.#members) this.#mergeMember(name, seen)
      this.#joinNames()
    }
  }

  #mergeMember(name: string, seen: SeenSchema): void {
    const known = this.#members.get(name) ?? new SeenSchema(this.#depth + 1)
    known.merge(seen)
    this.#members.set(name, known)
  }

  #mergeOthers(other: SeenSchema): void {
    const all = this.#others ?? new SeenSchema(this.#depth + 1)
    this.#others = all
    for (const each of [...this.#members.values(), ...other.#members.values()]) all.merge(each)
    if (other.#others !== undefined) all.merge(other.#others)
    this.#members.clear()
  }

  #ofTexts(kinds: readonly Kind[]): JsonObject {
    if (!kinds.includes('string')) return {}
    if (kinds.length === 1 && this.#texts !== undefined && this.#texts.size > 0)
      return { enum: [...this.#texts].sort() }
    return this.#maxLength === NO_LIMIT ? {} : { maxLength: this.#maxLength }
  }

  #ofLists(): JsonObject {
    if (!this.#kinds.has('array')) return {}
    const items = this.#items === undefined || this.#items.#count === 0 ? false : this.#items.schema()
    return { items }
  }

  #ofObjects(): JsonObject {
    if (!this.#kinds.has('object')) return {}
    if (this.#others !== undefined) return { additionalProperties: this.#others.schema() }
    const properties = Object.fromEntries([...this.#members].sort(byName).map(([name, seen]) => [name, seen.schema()]))
    // Objects alone are counted: beside other kinds it is not known how many there were.
    const isAlone = this.#kinds.size === 1
    const required = isAlone
      ? [...this.#members].filter(([, { count }]) => count === this.#count).map(([name]) => name)
      : []
    return {
      ...(Object.keys(properties).length === 0 ? {} : { properties }),
      ...(required.length === 0 ? {} : { required: required.sort() as JsonValue }),
      additionalProperties: false,
    }
  }

  get count(): number {
    return this.#count
  }
}

function byName([a]: readonly [string, unknown], [b]: readonly [string, unknown]): number {
  return a < b ? -1 : 1
}

function kindOf(value: Recorded): Kind {
  if (value instanceof UnknownText || typeof value === 'string') return 'string'
  if (typeof value === 'number') return Number.isInteger(value) ? 'integer' : 'number'
  if (typeof value === 'boolean') return 'boolean'
  if (value === null) return 'null'
  return Array.isArray(value) ? 'array' : 'object'
}
