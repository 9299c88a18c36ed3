import type { PathEntry, PathLookup } from '../path-index.ts'
import { comparePatterns, patternOf } from '../pattern.ts'
import type { Rule } from '../rule.ts'
import { type SlotValue, unresolvedReason } from './values.ts'

/** A rule whose templates do not resolve, and why. */
export interface Unresolved {
  readonly rule: Rule
  readonly why: string
}

/** What the attribute of a template resolves to, by its names joined with dots. */
export type SlotValues = ReadonlyMap<string, SlotValue>

/**
 * The rules of one caller: those without templates, and those with, each as the literal that the server would see.
 *
 * Nothing is made a caller beforehand: what matches the shape of a template is compared with the caller's values when it is
 * looked up, and plans are kept.
 */
export class ResolvedIndex implements PathLookup<Rule> {
  readonly #plain: PathLookup<Rule>
  readonly #templates: PathLookup<Rule>
  readonly #values: SlotValues
  /** One entry a rule, so that what is found twice is the same. */
  readonly #entries = new Map<Rule, PathEntry<Rule>>()

  constructor(plain: PathLookup<Rule>, templates: PathLookup<Rule>, values: SlotValues) {
    this.#plain = plain
    this.#templates = templates
    this.#values = values
  }

  exact(path: string): PathEntry<Rule> | undefined {
    const plain = this.#plain.exact(path)
    const resolved = this.#resolved(path).filter(({ pattern }) => pattern.isExact)
    const [first] = resolved
    if (first === undefined) return plain
    return { pattern: first.pattern, values: [...(plain?.values ?? []), ...resolved.flatMap(({ values }) => values)] }
  }

  wildcards(path: string): readonly PathEntry<Rule>[] {
    const resolved = this.#resolved(path).filter(({ pattern }) => !pattern.isExact)
    return resolved.length === 0 ? this.#plain.wildcards(path) : [...this.#plain.wildcards(path), ...resolved]
  }

  best(path: string): PathEntry<Rule> | undefined {
    const plain = this.#plain.best(path)
    const resolved = this.#resolved(path).filter(({ pattern }) => !pattern.isExact)
    const [first, ...more] = plain === undefined ? resolved : [plain, ...resolved]
    if (first === undefined || more.length === 0) return first
    const { pattern } = more.reduce((a, b) => (comparePatterns(a.pattern, b.pattern) >= 0 ? a : b), first)
    const same = [first, ...more].filter((entry) => entry.pattern.text === pattern.text)
    return { pattern, values: same.flatMap(({ values }) => values) }
  }

  *entries(): Generator<PathEntry<Rule>> {
    yield* this.#plain.entries()
    for (const { values } of this.#templates.entries()) {
      for (const rule of values) if (this.#unresolved(rule) === undefined) yield this.#entry(rule)
    }
  }

  /** Rules that would match `path` for a caller with other attributes, and whose templates do not resolve for this one. */
  unresolved(path: string): readonly Unresolved[] {
    return this.#shaped(path).flatMap((rule) => {
      const why = this.#unresolved(rule)
      return why === undefined ? [] : [{ rule, why }]
    })
  }

  #resolved(path: string): readonly PathEntry<Rule>[] {
    const segments = path.split('/')
    return this.#shaped(path)
      .filter(({ slots }) => slots.every(({ at, attribute }) => this.#value(attribute) === segments[at]))
      .map((rule) => this.#entry(rule))
  }

  /** A template never is exact to the index: each has a `+`. */
  #shaped(path: string): readonly Rule[] {
    return this.#templates.wildcards(path).flatMap(({ values }) => values)
  }

  #unresolved({ slots }: Rule): string | undefined {
    for (const { attribute } of slots) {
      const value = this.#value(attribute)
      if (typeof value !== 'string') return unresolvedReason(attribute, value)
    }
    return undefined
  }

  #value(attribute: readonly string[]): SlotValue {
    return this.#values.get(attribute.join('.')) ?? null
  }

  #entry(rule: Rule): PathEntry<Rule> {
    let entry = this.#entries.get(rule)
    if (entry === undefined) {
      const segments = rule.path.split('/')
      for (const { at, attribute } of rule.slots) segments[at] = String(this.#value(attribute))
      const pattern = patternOf(segments.join('/'))
      entry = { pattern, values: [Object.freeze({ ...rule, pattern })] }
      this.#entries.set(rule, entry)
    }
    return entry
  }
}
