/** Bounds of a numeric option. */
export interface NumberBounds {
  readonly min: number
  readonly max?: number
  readonly integer?: boolean
}

/** `value`, or `fallback` when undefined. @throws {TypeError|RangeError} naming the option and what it got. */
export function numberOption(name: string, value: unknown, fallback: number, bounds: NumberBounds): number {
  if (value === undefined) return fallback
  if (typeof value !== 'number' || Number.isNaN(value))
    throw new TypeError(`${name} must be a number, got ${shown(value)}`)
  const max = bounds.max ?? Infinity
  if (value < bounds.min || value > max) throw new RangeError(`${name} must be ${range(bounds.min, max)}, got ${value}`)
  if (bounds.integer === true && value !== Infinity && !Number.isInteger(value)) {
    throw new RangeError(`${name} must be a whole number, got ${value}`)
  }
  return value
}

/** The least number above 0 as a bound means any number above 0. */
function range(min: number, max: number): string {
  return min === Number.MIN_VALUE ? `above 0 and at most ${max}` : `from ${min} to ${max}`
}

/** `value`, or `fallback` when undefined. @throws {TypeError} naming the option and the type it got; never the value, which may be a secret. */
export function stringOption<T extends string | undefined>(name: string, value: unknown, fallback: T): string | T {
  if (value === undefined) return fallback
  if (typeof value !== 'string' || value === '')
    throw new TypeError(`${name} must be a string that is not empty, got ${typed(value)}`)
  return value
}

/** `value`, or `fallback` when undefined. @throws {TypeError} naming the option. */
export function booleanOption(name: string, value: unknown, fallback: boolean): boolean {
  if (value === undefined) return fallback
  if (typeof value !== 'boolean') throw new TypeError(`${name} must be true or false, got ${typed(value)}`)
  return value
}

/** Refuses what is no object, and names that are not among `known`: a misspelt option must not be lost in silence. */
export function checkNames(name: string, value: unknown, known: readonly string[]): void {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    throw new TypeError(`${name} must be an object, got ${typed(value)}`)
  }
  for (const key of Object.keys(value)) {
    if (!known.includes(key))
      throw new TypeError(`${name} has no option ${JSON.stringify(key)}; known: ${known.join(', ')}`)
  }
}

/** The kind of a value, where the value itself may be a secret. */
export function typed(value: unknown): string {
  if (value === null) return 'null'
  if (value === '') return 'an empty string'
  if (Array.isArray(value)) return 'an array'
  return typeof value === 'object' ? 'an object' : `a ${typeof value}`
}

function shown(value: unknown): string {
  return typeof value === 'number' ? String(value) : typed(value)
}
