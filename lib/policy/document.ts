import type { JsonObject, JsonValue } from '../model/json.ts'
import { JSON_MAX_DEPTH } from './json-text.ts'
import { POLICY_MAX_LENGTH } from './parse.ts'
import type { Place } from './place.ts'

/**
 * A frozen copy of a document that is JSON and nothing else, so that what was checked is what is used.
 *
 * Refused: cycles and deep nesting, what JSON cannot say, and the name
 * `__proto__`, which validators skip.
 *
 * @throws {PolicyLoadError}
 */
export function copyDocument(document: unknown, place: Place): JsonValue {
  return new Copier().copy(document, place, 0)
}

class Copier {
  #size = 0

  copy(value: unknown, place: Place, depth: number): JsonValue {
    if (depth > JSON_MAX_DEPTH) throw place.refusal(`nested deeper than ${JSON_MAX_DEPTH} levels, or in a circle`)
    this.#grow(typeof value === 'string' ? value.length + 3 : 5, place)
    if (typeof value === 'string' || typeof value === 'boolean' || value === null) return value
    if (typeof value === 'number' && Number.isFinite(value)) return value
    if (Array.isArray(value)) return Object.freeze(value.map((item, at) => this.copy(item, place.at(at), depth + 1)))
    if (typeof value === 'object') return this.#object(value, place, depth)
    throw place.refusal(`must be JSON, got a ${typeof value}`)
  }

  #object(value: object, place: Place, depth: number): JsonObject {
    const prototype: unknown = Object.getPrototypeOf(value)
    if (prototype !== null && prototype !== Object.prototype) throw place.refusal('must be a plain JSON object')
    const copy: Record<string, JsonValue> = {}
    for (const [name, member] of Object.entries(value)) {
      if (name === '__proto__') throw place.refusal('the name "__proto__" is not allowed')
      if (!name.isWellFormed()) throw place.refusal('a name must not have a lone surrogate')
      this.#grow(name.length + 4, place)
      copy[name] = this.copy(member, place.at(name), depth + 1)
    }
    return Object.freeze(copy)
  }

  #grow(length: number, place: Place): void {
    this.#size += length
    if (this.#size > POLICY_MAX_LENGTH) throw place.refusal('larger than 1 MiB; split it into several policies')
  }
}
