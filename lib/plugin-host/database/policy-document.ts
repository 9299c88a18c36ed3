import { Buffer } from 'node:buffer'
import { isJsonObject, type JsonObject, type JsonValue } from '../../model/json.ts'
import { parseObjectText } from '../../model/parse-json.ts'
import { checkedPolicy, type PasswordPolicy, type PasswordRule } from './password-policy.ts'
import { readPolicyText } from './policy-text.ts'

/** Longest document taken. */
const MAX_DOCUMENT = 64 * 1024

/**
 * The policy in `document`, checked: the server's HCL (`length = 20`, `rule "charset" { … }`), the same as JSON, or
 * ours, `{ length, rules: [{ charset, min_chars }] }`, as text or object.
 *
 * @throws {TypeError} it cannot be read, or no password can be made by it; the words are the server's where it has some.
 *
 * @example
 * parsePasswordPolicy('length = 20\nrule "charset" { charset = "abc" min-chars = 1 }')
 * parsePasswordPolicy({ length: 20, rules: [{ charset: 'abc', min_chars: 1 }] })
 */
export function parsePasswordPolicy(document: string | JsonObject): PasswordPolicy {
  if (typeof document !== 'string') return checkedPolicy(policyOf(document))
  if (document.length > MAX_DOCUMENT) throw refused('unable to decode: the document is too long')
  if (!document.trimStart().startsWith('{')) return checkedPolicy(policyOf(readPolicyText(document)))
  const object = parseObjectText(document)
  if (object === undefined) throw refused('unable to decode: not valid JSON')
  return checkedPolicy(policyOf(object))
}

/**
 * The text of a policy as a request carries it: plain, or all of it in base64, as the server takes both.
 *
 * Nothing that is a policy in plain is valid base64, since it has spaces, quotes or brackets.
 */
export function policyText(text: string): string {
  const isBase64 = text.length % 4 === 0 && /^[A-Za-z0-9+/]+={0,2}$/.test(text)
  return isBase64 ? Buffer.from(text, 'base64').toString('utf8') : text
}

function policyOf(document: JsonObject): PasswordPolicy {
  const rules = [...listOf(document.rules).map(ruleOf), ...listOf(document.rule).flatMap(labelledRules)]
  return { length: numberOf(document.length, 'length'), rules }
}

/** `{ "charset": { … } }`, or `{ "charset": [{ … }] }`: the label is the kind of rule. */
function labelledRules(value: JsonValue): readonly PasswordRule[] {
  if (!isJsonObject(value)) throw refused('unable to parse rules: a rule has no kind such as "charset"')
  return Object.entries(value).flatMap(([kind, body]) => {
    if (kind !== 'charset')
      throw refused(`unable to parse rules: unable to parse rule ${kind}: unrecognized rule type ${kind}`)
    return listOf(body).map(ruleOf)
  })
}

function ruleOf(value: JsonValue): PasswordRule {
  if (!isJsonObject(value)) throw refused('unable to parse rules: a rule is no object')
  const charset = value.charset ?? ''
  if (typeof charset !== 'string') throw wrongType('charset', 'string', charset)
  const minChars = value['min-chars'] ?? value.min_chars ?? value.minChars
  return { charset, minChars: numberOf(minChars, 'min-chars') }
}

function numberOf(value: JsonValue | undefined, name: string): number {
  if (value === undefined) return 0
  if (typeof value !== 'number' || !Number.isFinite(value)) throw wrongType(name, 'int', value)
  return Math.trunc(value)
}

function listOf(value: JsonValue | undefined): readonly JsonValue[] {
  if (value === undefined) return []
  return Array.isArray(value) ? value : [value as JsonValue]
}

function wrongType(name: string, wanted: string, value: JsonValue): TypeError {
  const got = Array.isArray(value) ? '[]interface {}' : isJsonObject(value) ? 'map[string]interface {}' : typeof value
  return refused(
    `failed to decode configuration: decoding failed due to the following error(s):\n\n'${name}' expected type '${wanted}', got unconvertible type '${got}'`,
  )
}

function refused(reason: string): TypeError {
  return new TypeError(`invalid password policy: ${reason}`)
}
