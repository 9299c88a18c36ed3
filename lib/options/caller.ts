import type { Caller, CallerAttributes, CallerValue } from '../model/caller.ts'
import { OWN_CALLER_SERVICE } from '../model/caller.ts'
import { checkNames, typed } from './check.ts'

/** The caller with `attributes`, beneath `parent`. @throws {TypeError} for values no policy can judge, or that overwrite a parent's. */
export function createCaller(attributes: CallerAttributes, parent?: Caller): Caller {
  checkNames('caller', attributes, Object.keys(attributes ?? {}))
  const merged: Record<string, CallerValue> = Object.assign(Object.create(null), parent?.attributes)
  for (const [name, value] of Object.entries(attributes)) {
    checkValue(name, value)
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

function canonical(attributes: CallerAttributes): string {
  const names = Object.keys(attributes).sort()
  return JSON.stringify(names.map((name) => [name, attributes[name]]))
}
