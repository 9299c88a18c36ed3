import { isJsonObject, type JsonObject } from '../../model/json.ts'
import type { Operation } from '../../model/operation.ts'
import { type CheckedRule, limitsOf } from './checked-rule.ts'
import { type Analysis, about, type Draft } from './draft.ts'

/** Mounts whose answers are never kept: they hang on the token, or on the moment. */
export const NEVER_KEPT: readonly string[] = ['cubbyhole/', 'auth/', 'sys/', 'identity/', 'totp/code/']
/** Mounts that give no leases to who asks. */
const LEASELESS: readonly string[] = ['cubbyhole/', 'sys/', 'identity/']
/** Below a KV v2 mount. */
const KV_V2 = /^[^/+*]+\/(?:data|metadata|delete|undelete|destroy|subkeys)\//

/** Caches, limits and schemas that nothing comes under. */
export const withoutEffect: Analysis = ({ rules }) =>
  rules.filter(isAllow).flatMap((rule) => [...cache(rule), ...leases(rule), ...response(rule)])

/** Rules whose conditions nothing meets. */
export const neverPassing: Analysis = ({ rules }) =>
  rules.filter(isAllow).flatMap((rule) => [...wrapping(rule), ...body(rule)])

function isAllow({ effect, asked }: CheckedRule): boolean {
  return effect === 'allow' && asked.length > 0
}

function cache(rule: CheckedRule): readonly Draft[] {
  if (rule.source.cache === undefined) return []
  const mount = NEVER_KEPT.find((name) => rule.pattern.text.startsWith(name))
  const why = !grants(rule, ['read', 'list'])
    ? 'only answers to read and list are kept, and it grants neither'
    : mount !== undefined
      ? `answers below ${mount} are never kept`
      : asksForWrapping(rule)
        ? 'its answers have to be wrapped, and wrapped answers are never kept'
        : undefined
  return why === undefined ? [] : [about(rule, 'no-effect', `"cache" has no effect: ${why}; take it out`, 'cache')]
}

function leases(rule: CheckedRule): readonly Draft[] {
  const { text } = rule.pattern
  const mount = LEASELESS.find((name) => text.startsWith(name))
  const why = !grants(rule, ['read', 'write'])
    ? 'only read and write give leases, and it grants neither'
    : mount !== undefined
      ? `nothing below ${mount} gives a lease`
      : KV_V2.test(text)
        ? 'KV v2 gives no leases'
        : undefined
  if (why === undefined) return []
  return ['leases', 'maxTtl']
    .filter((name) => limitsOf(rule)[name] !== undefined)
    .map((name) => about(rule, 'no-effect', `the limit "${name}" has no effect: ${why}; take it out`, 'limits', name))
}

function response(rule: CheckedRule): readonly Draft[] {
  if (rule.source.response === undefined || rule.source.wrapped !== true || !asksForWrapping(rule)) return []
  const message =
    '"response" has no effect: the answer has to be wrapped, and wrapped answers are not looked into; take it out'
  return [about(rule, 'no-effect', message, 'response')]
}

function wrapping(rule: CheckedRule): readonly Draft[] {
  if (rule.source.response === undefined || rule.source.wrapped === true || !asksForWrapping(rule)) return []
  const message =
    'nothing passes: its limits ask for a wrapped answer, and "response" refuses one, since it cannot be looked into; leave "response" out, or the limits'
  return [about(rule, 'never-passes', message, 'limits')]
}

/** Only a write and a patch carry data; of the others it is an empty object. */
function body(rule: CheckedRule): readonly Draft[] {
  const { request } = rule.source
  if (!isJsonObject(request) || grants(rule, ['write', 'patch']) || !asksForData(request)) return []
  const message = `nothing passes: "request" asks for data, and ${rule.asked.join(', ')} carries none; mean "query"?`
  return [about(rule, 'never-passes', message, 'request')]
}

function asksForData({ required, minProperties }: JsonObject): boolean {
  return (Array.isArray(required) && required.length > 0) || (typeof minProperties === 'number' && minProperties > 0)
}

function asksForWrapping(rule: CheckedRule): boolean {
  const { minWrapTtl, maxWrapTtl } = limitsOf(rule)
  return minWrapTtl !== undefined || maxWrapTtl !== undefined
}

function grants({ asked }: CheckedRule, operations: readonly Operation[]): boolean {
  return asked.some((operation) => operations.includes(operation))
}
