import type { Caller, CallerAttributes, CallerValue, JudgedAttributes } from '../model/caller.ts'
import { OWN_CALLER_SERVICE, TOKEN_ATTRIBUTE } from '../model/caller.ts'
import type { TokenDescription } from '../model/token-description.ts'
import { checkNames, typed } from './check.ts'

/** The caller with `attributes`, beneath `parent`. @throws {TypeError} for values no policy can judge, or that overwrite a parent's. */
export function createCaller(attributes: CallerAttributes, parent?: Caller): Caller {
  checkNames('caller', attributes, Object.keys(attributes ?? {}))
  const merged: Record<string, CallerValue | TokenDescription> = Object.assign(Object.create(null), parent?.attributes)
  for (const [name, value] of Object.entries(attributes)) {
    checkValue(name, value)
    if (name === TOKEN_ATTRIBUTE) {
      throw new TypeError(
        `caller.${TOKEN_ATTRIBUTE} is set by the gateway alone: it tells who holds the caller's token`,
      )
    }
    if (parent !== undefined && Object.hasOwn(parent.attributes, name)) {
      throw new TypeError(`caller.${name} is set by the parent caller and cannot be overwritten`)
    }
    merged[name] = Array.isArray(value) ? Object.freeze([...value]) : value
  }
  if (merged.service === OWN_CALLER_SERVICE) {
    throw new TypeError(`caller.service ${JSON.stringify(OWN_CALLER_SERVICE)} is the gateway's own`)
  }
  const own = canonical(merged)
  return Object.freeze({
    attributes: Object.freeze(merged),
    parent,
    id: parent === undefined ? own : `${parent.id}>${own}`,
  })
}

/** A caller that a program lets in and speaks for: judged on its own `attributes` alone. @throws {TypeError} for values no policy can judge. */
export function createGuest(attributes: CallerAttributes): Caller {
  return Object.freeze({ ...createCaller(attributes), isGuest: true })
}

/**
 * The holder of a token below `caller`: `caller` and those above it get the attribute `token`, up to the one that the
 * token was handed over for, and last comes the holder as such. All of them have to be allowed.
 *
 * @param isBearer - Was the token handed over for that caller? Callers above it have another one.
 */
export function holderBelow(
  caller: Caller,
  description: TokenDescription,
  isBearer: (caller: Caller) => boolean,
): Caller {
  const known = withToken(caller, frozen(description), isBearer)
  return Object.freeze({ attributes: known.attributes, parent: known, isHolder: true, id: `${known.id}>holder` })
}

function withToken(caller: Caller, token: TokenDescription, isBearer: (caller: Caller) => boolean): Caller {
  const { parent, attributes } = caller
  const above = parent === undefined || isBearer(caller) ? parent : withToken(parent, token, isBearer)
  const merged = Object.freeze(Object.assign(Object.create(null), attributes, { [TOKEN_ATTRIBUTE]: token }))
  const own = canonical(merged)
  return Object.freeze({ attributes: merged, parent: above, id: above === undefined ? own : `${above.id}>${own}` })
}

/** The endpoint's word, as far as it has the shape; what policies judge on must not change under them. */
function frozen({ mount, policies, alias, entity, metadata }: TokenDescription): TokenDescription {
  const texts = Object.entries(metadata).map(([name, value]) => [name, String(value)] as const)
  return Object.freeze({
    ...{ mount: String(mount), alias: String(alias), entity: String(entity) },
    policies: Object.freeze(policies.map(String)),
    metadata: Object.freeze(Object.fromEntries(texts)),
  })
}

/** The gateway's own caller: logs in, renews, looks up, revokes. */
export const OWN_CALLER: Caller = Object.freeze({
  attributes: Object.freeze({ service: OWN_CALLER_SERVICE }),
  parent: undefined,
  id: canonical({ service: OWN_CALLER_SERVICE }),
})

function checkValue(name: string, value: unknown): void {
  const isList = Array.isArray(value) && value.every((item) => typeof item === 'string')
  const isNumber = typeof value === 'number' && Number.isFinite(value)
  if (typeof value === 'string' || typeof value === 'boolean' || isNumber || isList) return
  throw new TypeError(`caller.${name} must be a string, number, boolean or list of strings, got ${typed(value)}`)
}

function canonical(attributes: JudgedAttributes): string {
  const names = Object.keys(attributes).sort()
  return JSON.stringify(names.map((name) => [name, attributes[name]]))
}
