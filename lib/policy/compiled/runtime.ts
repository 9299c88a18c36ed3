import type { CheckRuntime } from '../../model/compiled-policies.ts'

/** What generated checks call, besides patterns. */
export const RUNTIME: Omit<CheckRuntime, 'linearPattern'> = Object.freeze({ equal, ucs2length })

function equal(a: unknown, b: unknown): boolean {
  if (a === b) return true
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return false
  if (Array.isArray(a) !== Array.isArray(b)) return false
  const names = Object.keys(a)
  if (names.length !== Object.keys(b).length) return false
  return names.every((name) => Object.hasOwn(b, name) && equal(Reflect.get(a, name), Reflect.get(b, name)))
}

function ucs2length(text: string): number {
  let length = 0
  for (const _ of text) length += 1
  return length
}
