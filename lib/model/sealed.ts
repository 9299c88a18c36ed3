import { inspect } from 'node:util'

// No static method: whoever holds a sealed value can reach its class, and must not be able to open it.
let open: <T>(sealed: Sealed<T>) => T

/**
 * A secret that shows itself only to {@link unseal}.
 *
 * Logs, `JSON.stringify`, `inspect` and diagnostics channels (lru-cache publishes every value it
 * holds) see `[sealed]`. `unseal` is exported for those who write a Transport or an AuthMethod of their own.
 */
export class Sealed<T> {
  readonly #value: T

  constructor(value: T) {
    this.#value = value
  }

  toJSON(): string {
    return '[sealed]'
  }

  toString(): string {
    return '[sealed]'
  }

  static {
    open = (sealed) => sealed.#value
  }
}

Object.defineProperty(Sealed.prototype, inspect.custom, { value: () => '[sealed]' })

/** `value`, sealed. */
export function seal<T>(value: T): Sealed<T> {
  return new Sealed(value)
}

/** The value inside; for the moment it is sent or compared. */
export function unseal<T>(sealed: Sealed<T>): T {
  return open(sealed)
}
