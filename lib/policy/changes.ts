import { hash } from 'node:crypto'
import { isJsonObject, type JsonObject, type JsonValue } from '../model/json.ts'
import type { PolicyChanges } from '../model/policy-changes.ts'
import type { PolicyDocument } from './verdict.ts'

/** What stands in a set of policies: for each policy, by name, its head and each of its rules, as text. */
export type Inventory = ReadonlyMap<string, ReadonlyMap<string, string>>

/** Name under which all of a policy but its rules stands. */
const HEAD = ''

/** The inventory of documents that an engine has taken. */
export function inventoryOf(documents: readonly PolicyDocument[]): Inventory {
  return new Map(
    documents.map(({ document }) => {
      const { policy, rules, ...head } = document as JsonObject
      const parts = new Map([[HEAD, canonical(head)]])
      for (const [index, rule] of (rules as readonly JsonObject[]).entries()) {
        parts.set(typeof rule.id === 'string' ? rule.id : `rule-${index}`, canonical(rule))
      }
      return [policy as string, parts]
    }),
  )
}

/** What tells `after` from `before`. The order of policies, rules and keys is no change. */
export function changesBetween(before: Inventory, after: Inventory): PolicyChanges {
  const names = [...new Set([...before.keys(), ...after.keys()])].sort()
  const is = (how: 'added' | 'removed' | 'changed'): readonly string[] =>
    names.filter((name) => kindOf(before.get(name), after.get(name)) === how)
  return Object.freeze({
    added: Object.freeze(is('added')),
    removed: Object.freeze(is('removed')),
    changed: Object.freeze(is('changed')),
    rules: Object.freeze(names.flatMap((name) => ruleChanges(name, before.get(name), after.get(name)))),
    digest: digestOf(after),
  })
}

type Parts = ReadonlyMap<string, string> | undefined

function kindOf(before: Parts, after: Parts): 'added' | 'removed' | 'changed' | 'same' {
  if (before === undefined) return 'added'
  if (after === undefined) return 'removed'
  const isSame = before.size === after.size && [...before].every(([id, text]) => after.get(id) === text)
  return isSame ? 'same' : 'changed'
}

/** `+policy/rule`, `-policy/rule`, `~policy/rule`, of policies that were there before and are now. */
function ruleChanges(policy: string, before: Parts, after: Parts): readonly string[] {
  if (before === undefined || after === undefined) return []
  const ids = [...new Set([...before.keys(), ...after.keys()])].filter((id) => id !== HEAD).sort()
  return ids.flatMap((id) => {
    if (!before.has(id)) return [`+${policy}/${id}`]
    if (!after.has(id)) return [`-${policy}/${id}`]
    return before.get(id) === after.get(id) ? [] : [`~${policy}/${id}`]
  })
}

/** SHA-256 over all of it, in hex: names a set of policies, here and on other machines. */
export function digestOf(inventory: Inventory): string {
  const sorted = [...inventory].sort(([a], [b]) => (a < b ? -1 : 1))
  return hash('sha256', JSON.stringify(sorted.map(([name, parts]) => [name, [...parts].sort()])), 'hex')
}

function canonical(value: JsonValue): string {
  return JSON.stringify(value, (_, inner: JsonValue) =>
    isJsonObject(inner) ? Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1))) : inner,
  )
}
