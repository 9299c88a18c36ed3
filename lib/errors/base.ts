import { ERROR_CODES, type ErrorCode } from './codes.ts'

/** Facts that go with an error; never a token, secret, header or body. */
export interface ErrorDetails {
  readonly cause?: unknown
  /** Overrides what the table of codes says. */
  readonly temporary?: boolean
}

const MARK = Symbol.for('portcullis.error')

/**
 * Base of every error that an operation of this library rejects with.
 *
 * Match on `code`: it is API. `instanceof` also holds between two installed copies of the package.
 */
export class PortcullisError extends Error {
  /** Compared by `instanceof`, since class names do not survive minifying. */
  static readonly kind: string = 'PortcullisError'

  readonly code: ErrorCode
  /** May the same call succeed later, unchanged? */
  readonly temporary: boolean

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause })
    this.code = code
    this.temporary = details.temporary ?? ERROR_CODES[code].temporary
    const kind = (this.constructor as typeof PortcullisError).kind
    Object.defineProperty(this, 'name', { value: kind, configurable: true, writable: true })
    Object.defineProperty(this, MARK, { value: kind })
  }
}

// The first line of the stack is written while Error is constructed, before the field is set.
Object.defineProperty(PortcullisError.prototype, 'name', {
  get(this: PortcullisError): string {
    return (this.constructor as typeof PortcullisError).kind
  },
  configurable: true,
})

const isOrdinaryInstance = Function.prototype[Symbol.hasInstance]

// A computed key in the class body is refused by isolatedDeclarations.
Object.defineProperty(PortcullisError, Symbol.hasInstance, {
  value(this: { readonly kind?: unknown }, value: unknown): boolean {
    if (isOrdinaryInstance.call(this, value)) return true
    // A user's subclass inherits `kind`, and must not match all of its parent's errors.
    if (!Object.hasOwn(this, 'kind') || typeof value !== 'object' || value === null) return false
    const kind: unknown = Reflect.get(value, MARK)
    return typeof kind === 'string' && (this.kind === 'PortcullisError' || this.kind === kind)
  },
})
