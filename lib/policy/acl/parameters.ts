import type { JsonObject, JsonValue } from '../../model/json.ts'
import type { AclRule } from './read-acl.ts'

/** Is there anything about parameters in `rule`? An empty list of allowed ones allows all, at the server. */
export function limitsParameters({ allowed, denied, required }: AclRule): boolean {
  return Object.keys(allowed ?? {}).length > 0 || Object.keys(denied ?? {}).length > 0 || required.length > 0
}

/**
 * The schema that stands for a rule's `allowed_parameters`, `denied_parameters` and `required_parameters`.
 *
 * As measured on OpenBao 2.7.2: denied wins, whatever its values where it is `*`; an allowed `*` allows any value of any
 * name; numbers match nothing; `*` counts at the ends of a text alone. Names that are allowed have to be spelt as they are
 * written or in lower case, which is stricter than the server; those that are denied are refused in any case, as there.
 */
export function parameterSchema({ allowed = {}, denied = {}, required }: AclRule): JsonObject {
  const isOpen = Object.keys(allowed).length === 0 || '*' in allowed
  const allDenied = '*' in denied
  const properties: Record<string, JsonValue> = {}
  for (const [name, values] of Object.entries(allowed)) {
    if (name === '*') continue
    const schema = allDenied ? false : oneOf(values)
    properties[name] = schema
    properties[name.toLowerCase()] = schema
  }
  const names = required.map((name) => name.toLowerCase())
  for (const name of names) properties[name] ??= isOpen && !allDenied ? {} : false
  const refused: Record<string, JsonValue> = {}
  for (const [name, values] of Object.entries(denied)) {
    if (name !== '*') refused[anyCase(name)] = values.length === 0 ? false : not(oneOf(values))
  }
  return {
    ...(Object.keys(properties).length === 0 ? {} : { properties }),
    ...(Object.keys(refused).length === 0 ? {} : { patternProperties: refused }),
    ...(names.length === 0 ? {} : { required: names }),
    additionalProperties: isOpen && !allDenied,
  }
}

/** The values of a list, any where it is empty; text with `*` at an end stands for any text there. */
function oneOf(values: readonly JsonValue[]): JsonValue {
  if (values.length === 0) return {}
  const matching = values.filter((value) => typeof value !== 'number')
  const globs = matching.filter(isGlob)
  const plain = matching.filter((value) => !isGlob(value))
  const forms: JsonObject[] = globs.map((glob) => ({ type: 'string', pattern: patternOf(glob) }))
  if (plain.length > 0) forms.unshift({ enum: plain })
  if (forms.length === 0) return false
  return forms.length === 1 ? (forms[0] ?? false) : { anyOf: forms }
}

function not(schema: JsonValue): JsonValue {
  return schema === false ? {} : { not: schema }
}

function isGlob(value: JsonValue): value is string {
  return typeof value === 'string' && value.length > 1 && (value.startsWith('*') || value.endsWith('*'))
}

function patternOf(glob: string): string {
  const isOpenAtStart = glob.startsWith('*')
  const isOpenAtEnd = glob.endsWith('*')
  const bare = glob.slice(isOpenAtStart ? 1 : 0, isOpenAtEnd ? -1 : undefined)
  return `${isOpenAtStart ? '' : '^'}${escaped(bare)}${isOpenAtEnd ? '' : '$'}`
}

function anyCase(name: string): string {
  const letters = [...name].map((letter) => {
    const [lower, upper] = [letter.toLowerCase(), letter.toUpperCase()]
    return lower === upper ? escaped(letter) : `[${lower}${upper}]`
  })
  return `^${letters.join('')}$`
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/]/g, '\\$&')
}
