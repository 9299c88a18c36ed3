import { BoundedMap } from '../model/bounded-map.ts'
import type { Caller } from '../model/caller.ts'
import type { Operation } from '../model/operation.ts'
import { type Plan, planFor } from './judge.ts'
import type { RuleSet } from './rule-set.ts'
import type { SchemaFailure } from './schema-failure.ts'
import { SubjectIndex } from './subject-index.ts'
import type { SlotValue } from './template/values.ts'

/** Plans kept at once, over all callers; beyond it all are forgotten. */
export const PLANS_MAX = 10_000
/** Longer paths are worked out anew each time, so that plans cannot fill the memory. */
const PLAN_PATH_MAX_LENGTH = 1024
/** Different chains of bindings kept at once. */
const CHAINS_MAX = 1000

/** The policies that bind a chain of callers in one namespace, and the plans made under them. */
export interface Scope {
  /** Rule sets of each caller, root first. */
  readonly chain: readonly (readonly RuleSet[])[]
  readonly plans: Map<Operation, Map<string, Plan>>
  /** A policy of mode shadow binds one of the callers. */
  readonly isShadowed: boolean
}

/** Namespaces of the policies, and what binds there. */
export type Binding = ReadonlyMap<string, Scope>

/** One set that binds a caller: its index, and what its templates resolve to for that caller. */
type Bound = readonly [at: number, values: readonly SlotValue[]]

/** Why the policies of `set` do not bind `caller`, of itself; `undefined` where they do. */
export function unbindingReason(
  { subject, asksForToken }: RuleSet,
  { attributes, isHolder }: Caller,
): SchemaFailure | 'holder' | undefined {
  return isHolder === true && !asksForToken ? 'holder' : subject?.(attributes)
}

/** Works out, once for each caller, which policies bind it; and, once for each path, what they say. */
export class Bindings {
  readonly #sets: readonly RuleSet[]
  readonly #subjects: SubjectIndex
  readonly #namespaces: ReadonlySet<string>
  readonly #ofCaller = new WeakMap<Caller, Binding>()
  /** What binds one caller for itself: those below it ask, too. */
  readonly #ofLink = new WeakMap<Caller, readonly Bound[]>()
  /** Callers bound alike, by equal values of what templates name, share a binding, and so the plans. */
  readonly #ofChain = new BoundedMap<Binding>(CHAINS_MAX)
  readonly #filled = new Set<Map<string, Plan>>()
  #planCount = 0

  constructor(sets: readonly RuleSet[]) {
    this.#sets = sets
    this.#subjects = new SubjectIndex(sets)
    this.#namespaces = new Set(sets.map(({ namespace }) => namespace))
  }

  of(caller: Caller): Binding {
    let binding = this.#ofCaller.get(caller)
    if (binding === undefined) {
      binding = this.#bind(caller)
      this.#ofCaller.set(caller, binding)
    }
    return binding
  }

  plan(scope: Scope, operation: Operation, path: string): Plan {
    const known = scope.plans.get(operation)?.get(path)
    if (known !== undefined) return known
    const plan = planFor(scope.chain, operation, path)
    if (path.length <= PLAN_PATH_MAX_LENGTH) this.#keep(scope, operation, path, plan)
    return plan
  }

  #bind(caller: Caller): Binding {
    const chain: (readonly Bound[])[] = []
    for (let link: Caller | undefined = caller; link !== undefined; link = link.parent) {
      chain.unshift(this.#binding(link))
    }
    const key = JSON.stringify(chain)
    let binding = this.#ofChain.get(key)
    if (binding === undefined) {
      binding = this.#scopes(chain)
      this.#ofChain.set(key, binding)
    }
    return binding
  }

  #binding(caller: Caller): readonly Bound[] {
    let bound = this.#ofLink.get(caller)
    if (bound === undefined) {
      bound = this.#subjects.candidates(caller.attributes).flatMap((at) => this.#boundBy(at, caller))
      this.#ofLink.set(caller, bound)
    }
    return bound
  }

  #boundBy(at: number, caller: Caller): readonly Bound[] {
    const set = this.#sets[at]
    if (set === undefined || unbindingReason(set, caller) !== undefined) return []
    return [[at, set.templates?.valuesFor(caller.attributes) ?? []]]
  }

  #scopes(chain: readonly (readonly Bound[])[]): Binding {
    const sets = chain.map((link) => link.flatMap((bound) => this.#resolved(bound)))
    const scopes = new Map<string, Scope>()
    for (const namespace of this.#namespaces) {
      const inside = sets.map((link) => link.filter((set) => set.namespace === namespace))
      scopes.set(namespace, {
        chain: inside,
        plans: new Map(),
        isShadowed: inside.flat().some(({ isShadow }) => isShadow),
      })
    }
    return scopes
  }

  #resolved([at, values]: Bound): readonly RuleSet[] {
    const set = this.#sets[at]
    return set === undefined ? [] : [set.templates?.resolve(set, values) ?? set]
  }

  #keep(scope: Scope, operation: Operation, path: string, plan: Plan): void {
    if (this.#planCount >= PLANS_MAX) {
      for (const plans of this.#filled) plans.clear()
      this.#filled.clear()
      this.#planCount = 0
    }
    let plans = scope.plans.get(operation)
    if (plans === undefined) {
      plans = new Map()
      scope.plans.set(operation, plans)
    }
    plans.set(path, plan)
    this.#filled.add(plans)
    this.#planCount += 1
  }
}
