import type { JudgedAttributes } from '../model/caller.ts'
import { isJsonObject, type JsonValue } from '../model/json.ts'
import type { RuleSet } from './rule-set.ts'

/** What a subject asks for that can be looked up: whom it binds has one of the values as that attribute. */
export interface SubjectKey {
  readonly attribute: string
  readonly values: readonly (string | number | boolean)[]
}

/** The demand of `subject` that the fewest values meet; `undefined` where it demands no attribute by its values. */
export function subjectKey(subject: JsonValue | undefined): SubjectKey | undefined {
  if (!isJsonObject(subject) || !isJsonObject(subject.properties) || !Array.isArray(subject.required)) return undefined
  const { required } = subject
  const keys = Object.entries(subject.properties).flatMap(([attribute, schema]): readonly SubjectKey[] => {
    const values =
      required.includes(attribute) && isJsonObject(schema) ? valuesOf(schema.const, schema.enum) : undefined
    return values === undefined ? [] : [Object.freeze({ attribute, values })]
  })
  return keys.sort((a, b) => a.values.length - b.values.length)[0]
}

function valuesOf(constant: JsonValue | undefined, listed: JsonValue | undefined): SubjectKey['values'] | undefined {
  const values = constant === undefined ? listed : [constant]
  return Array.isArray(values) && values.every(isPlain) ? values : undefined
}

function isPlain(value: JsonValue): value is string | number | boolean {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean'
}

/**
 * Sets of rules by what their subjects ask for: a caller is asked about those alone that could bind it.
 *
 * A service that reads on behalf of many users has a caller for each of them, so that binding is no rare thing.
 */
export class SubjectIndex {
  /** Places of sets whose subjects have to be asked in any case. */
  readonly #open: number[] = []
  readonly #byValue = new Map<string, Map<unknown, number[]>>()

  constructor(sets: readonly RuleSet[]) {
    for (const [at, { subjectKey: key }] of sets.entries()) {
      if (key === undefined) this.#open.push(at)
      else for (const value of new Set(key.values)) this.#places(key.attribute, value).push(at)
    }
  }

  /** Places of the sets that could bind a caller with these attributes, in order. */
  candidates(attributes: JudgedAttributes): readonly number[] {
    const found = [...this.#open]
    for (const [attribute, byValue] of this.#byValue) {
      const value = Object.hasOwn(attributes, attribute) ? attributes[attribute] : undefined
      found.push(...(byValue.get(value) ?? []))
    }
    return found.sort((a, b) => a - b)
  }

  #places(attribute: string, value: unknown): number[] {
    let byValue = this.#byValue.get(attribute)
    if (byValue === undefined) {
      byValue = new Map()
      this.#byValue.set(attribute, byValue)
    }
    let places = byValue.get(value)
    if (places === undefined) {
      places = []
      byValue.set(value, places)
    }
    return places
  }
}
