import type { JudgedAttributes } from '../model/caller.ts'
import type { GrantedOperation } from '../model/operation.ts'
import type { Capability } from '../model/preflight.ts'
import type { Rule } from './rule.ts'
import { slotValue } from './template/values.ts'

/** What the policies promise a caller at one path. */
export interface RulePromise {
  readonly namespace: string
  /** In the server's syntax, templates resolved for the caller. */
  readonly path: string
  /** `any`: the rule says `*`, and is kept by whatever the server grants. */
  readonly capabilities: readonly Capability[] | 'any'
  readonly policy: string
  readonly rule: string
}

/** The promise that an allow rule is to a caller; `undefined` where a template of it has no segment. */
export function promiseOf(rule: Rule, namespace: string, attributes: JudgedAttributes): RulePromise | undefined {
  const path = resolvedPath(rule, attributes)
  if (path === undefined) return undefined
  return { namespace, path, capabilities: capabilitiesOf(rule.operations), policy: rule.policy, rule: rule.id }
}

function resolvedPath({ path, slots }: Rule, attributes: JudgedAttributes): string | undefined {
  const segments = path.split('/')
  for (const { at, attribute } of slots) {
    const value = slotValue(attributes, attribute)
    if (typeof value !== 'string') return undefined
    segments[at] = value
  }
  return segments.join('/')
}

/** A write is either, as the server finds out; what grants create alone is meant so. */
function capabilitiesOf(operations: ReadonlySet<GrantedOperation>): RulePromise['capabilities'] {
  if (operations.has('*')) return 'any'
  const all = [...operations].flatMap((operation) => (operation === 'write' ? ['create', 'update'] : [operation]))
  return [...new Set(all)] as Capability[]
}
