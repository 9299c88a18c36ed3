import type { BackendError } from '../model/backend.ts'

/** What a host makes of a refusal: see {@link PluginRefusal}. */
export type RefusalKind = Exclude<BackendError['kind'], 'other' | 'internal' | 'coded'>

/**
 * Thrown by a handler to refuse a request in words that the caller may read.
 *
 * | kind | HTTP status | the caller reads |
 * | --- | --- | --- |
 * | none given | 400 | your text, as it stands |
 * | `bad-request` | 400 | your text, in a list below a headline of the server |
 * | `invalid-request` | 400 | `invalid request` |
 * | `permission-denied` | 403 | `permission denied` |
 * | `unsupported-path` | 404 | `unsupported path` |
 * | `unsupported-operation` | 405 | `unsupported operation` |
 * | `user` | 500; 400 from an existence check | your text |
 * | `needs-approval` | 500 | `request needs further approval` |
 * | `unrecoverable` | 500; a revocation is not tried again | `unrecoverable error` |
 * | with `status` | that status | your text |
 *
 * Any other error that leaves a handler becomes `internal error`: its text stays in the process.
 *
 * @example
 * throw new PluginRefusal('no such role')
 * throw new PluginRefusal('', 'permission-denied')
 * throw new PluginRefusal('I am a teapot', { status: 418 })
 */
export class PluginRefusal extends Error {
  /** `answer`: no kind was given, and the text is the answer. */
  readonly kind: RefusalKind | 'coded' | 'answer'
  /** HTTP status; 0 where the kind decides. */
  readonly status: number

  constructor(message: string, kind?: RefusalKind | { readonly status: number }) {
    super(message)
    this.name = 'PluginRefusal'
    this.kind = typeof kind === 'object' ? 'coded' : (kind ?? 'answer')
    this.status = typeof kind === 'object' ? checkedStatus(kind.status) : 0
  }
}

function checkedStatus(status: number): number {
  if (Number.isInteger(status) && status >= 400 && status <= 599) return status
  throw new RangeError(`the status of a refusal must be an integer from 400 to 599, got ${status}`)
}

/** The host could not be asked (storage, system view), or refused; the text is the host's own. */
export class HostError extends Error {
  /** What the host was asked, such as `pb.Storage/Put`. */
  readonly call: string

  constructor(call: string, message: string, options?: { readonly cause?: unknown }) {
    super(message, options)
    this.name = 'HostError'
    this.call = call
  }
}
