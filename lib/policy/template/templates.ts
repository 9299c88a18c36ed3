import type { JudgedAttributes } from '../../model/caller.ts'
import { PathIndex } from '../path-index.ts'
import type { Rule } from '../rule.ts'
import type { RuleSet } from '../rule-set.ts'
import { ResolvedIndex, type SlotValues } from './resolved-index.ts'
import { type SlotValue, slotValue } from './values.ts'

/** The rules of a set whose paths have templates: they take part once they are resolved for a caller. */
export class Templates {
  readonly rules: PathIndex<Rule> = new PathIndex<Rule>()
  readonly forbids: PathIndex<Rule> = new PathIndex<Rule>()
  readonly #attributes = new Map<string, readonly string[]>()

  add(rule: Rule): void {
    const index = rule.effect === 'forbid' ? this.forbids : this.rules
    index.add(rule.pattern, rule)
    for (const { attribute } of rule.slots) this.#attributes.set(attribute.join('.'), attribute)
  }

  /** What the attributes that the templates name are for one caller, in a fixed order: callers alike here share plans. */
  valuesFor(attributes: JudgedAttributes): readonly SlotValue[] {
    return [...this.#attributes.values()].map((attribute) => slotValue(attributes, attribute))
  }

  /** `set` for a caller with these `values`. */
  resolve(set: RuleSet, values: readonly SlotValue[]): RuleSet {
    const named: SlotValues = new Map([...this.#attributes.keys()].map((name, at) => [name, values[at] ?? null]))
    const rules = new ResolvedIndex(set.rules, this.rules, named)
    const forbids = new ResolvedIndex(set.forbids, this.forbids, named)
    const unresolved = (path: string): ReturnType<ResolvedIndex['unresolved']> => [
      ...forbids.unresolved(path),
      ...rules.unresolved(path),
    ]
    return Object.freeze({ ...set, rules, forbids, unresolved })
  }
}
