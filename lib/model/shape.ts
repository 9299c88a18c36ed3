import { isJsonObject, type JsonValue } from './json.ts'

/**
 * The form of a value, without the value: `s0`, `s1`, `s2`, `s4`, … for texts of at most so many characters (powers of
 * two), `i` and `n` for whole and other numbers, `b` for booleans, `z` for null; lists and objects hold the forms of theirs.
 */
export type Shape = string | readonly Shape[] | { readonly [name: string]: Shape }

/** Deeper forms are `x`, which says nothing. */
const MAX_DEPTH = 16
/** Of longer lists, the first. */
const MAX_ITEMS = 32

export function shapeOf(value: JsonValue, depth = 0): Shape {
  if (typeof value === 'string') return `s${bucketOf(value.length)}`
  if (typeof value === 'number') return Number.isInteger(value) ? 'i' : 'n'
  if (typeof value === 'boolean') return 'b'
  if (value === null) return 'z'
  if (depth >= MAX_DEPTH) return 'x'
  if (!isJsonObject(value)) return value.slice(0, MAX_ITEMS).map((item) => shapeOf(item, depth + 1))
  // Without a prototype `__proto__` is a name like any other.
  const shape: Record<string, Shape> = Object.create(null)
  for (const name of Object.keys(value)) shape[name] = shapeOf(value[name] ?? null, depth + 1)
  return shape
}

/** Lengths that a text of this form can have; any, where the form says nothing of a text. */
export function lengthsOf(shape: Shape | undefined): { readonly min: number; readonly max: number } {
  const size = typeof shape === 'string' ? /^s(0|[1-9][0-9]{0,8})$/.exec(shape)?.[1] : undefined
  if (size === undefined) return { min: 0, max: Number.POSITIVE_INFINITY }
  const max = Number(size)
  return { min: max <= 1 ? max : max / 2 + 1, max }
}

/** The least power of two that is no smaller; 0 for 0. */
function bucketOf(length: number): number {
  return length === 0 ? 0 : 2 ** Math.ceil(Math.log2(length))
}
