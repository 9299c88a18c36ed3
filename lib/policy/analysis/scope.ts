import { TOKEN_ATTRIBUTE } from '../../model/caller.ts'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import type { RuleScope } from './checked-rule.ts'

/**
 * Do the policies of `outer` bind, and count, wherever those of `inner` do? False where it cannot be told.
 *
 * Known: no subject, the same subject, and subjects of constants of which `inner` has all that `outer` has.
 */
export function bindsWherever(outer: RuleScope, inner: RuleScope): boolean {
  if (outer === inner) return true
  if (outer.namespace !== inner.namespace || (outer.isShadow && !inner.isShadow)) return false
  // The holder of a token as such is bound by subjects alone that demand it.
  if (demandsToken(inner.subject) && !demandsToken(outer.subject)) return false
  if (outer.subject === undefined) return true
  if (inner.subject === undefined) return false
  return canonical(outer.subject) === canonical(inner.subject) || isImplied(outer.subject, inner.subject)
}

function demandsToken(subject: JsonObject | undefined): boolean {
  return subject !== undefined && requiredOf(subject).includes(TOKEN_ATTRIBUTE)
}

function canonical(subject: JsonObject): string {
  return JSON.stringify(subject, (_, value: JsonValue) =>
    isJsonObject(value) ? Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))) : value,
  )
}

/** Keywords of a subject that says nothing but which constants attributes have to be. */
const CONSTANT: readonly string[] = ['type', 'properties', 'required', 'title', 'description', '$comment', '$schema']

function isImplied(outer: JsonObject, inner: JsonObject): boolean {
  if (!Object.keys(outer).every((keyword) => CONSTANT.includes(keyword))) return false
  const demanded = requiredOf(inner)
  return requiredOf(outer).every((name) => {
    if (!demanded.includes(name)) return false
    const wanted = propertyOf(outer, name)
    if (wanted === undefined) return true
    const allowed = valuesOf(wanted)
    const said = valuesOf(propertyOf(inner, name))
    return allowed !== undefined && said?.every((value) => allowed.includes(value)) === true
  })
}

function requiredOf({ required }: JsonObject): readonly string[] {
  return Array.isArray(required) ? required.filter((name) => typeof name === 'string') : []
}

function propertyOf({ properties }: JsonObject, name: string): JsonValue | undefined {
  return isJsonObject(properties) && Object.hasOwn(properties, name) ? properties[name] : undefined
}

/** The values that a schema of one constant, or an enumeration, lets pass, as text; `undefined` for any other. */
function valuesOf(schema: JsonValue | undefined): readonly string[] | undefined {
  if (!isJsonObject(schema)) return undefined
  if (Object.hasOwn(schema, 'const')) return [JSON.stringify(schema.const)]
  return Array.isArray(schema.enum) ? schema.enum.map((value) => JSON.stringify(value)) : undefined
}
