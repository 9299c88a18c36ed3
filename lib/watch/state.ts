import type { PortcullisError } from '../errors/index.ts'
import { PolicyDeniedError, ServerError } from '../errors/index.ts'
import type { Moment } from '../lease/kept.ts'
import type { Answer, AnswerFacts } from '../model/answer.ts'

/** A version of the secret, as a look at the server showed it. */
export interface Seen {
  readonly version: number
  /** Tells versions of one number apart: a secret that was removed for good starts anew at 1. */
  readonly createdTime: string
  readonly isDeleted: boolean
  /** When the look was sent. */
  readonly sentAt: Moment
  /** What was seen, with the facts of now. */
  readonly answer: (facts: AnswerFacts) => Answer
}

/** What a caller sees of a secret. */
export type State =
  | { readonly at: 'seen'; readonly seen: Seen; readonly isStale: boolean }
  /** Nothing is stored any more, or the caller may no longer see it; `error` says which. */
  | { readonly at: 'withdrawn'; readonly version: number; readonly error: PortcullisError }

/** What a look at the server brought. */
export type Outcome =
  | { readonly kind: 'seen'; readonly seen: Seen }
  | { readonly kind: 'gone'; readonly error: PortcullisError }
  | { readonly kind: 'refused'; readonly error: PortcullisError }
  /** It tells nothing about the secret. */
  | { readonly kind: 'failed'; readonly error: unknown }

/** What is to be told of a step. */
export type Notice =
  | { readonly event: 'changed'; readonly version: number; readonly previousVersion: number }
  | { readonly event: 'deleted'; readonly version: number }
  | { readonly event: 'refused'; readonly code: string }
  | { readonly event: 'failing'; readonly code: string }

/** The version seen last. */
export function versionOf(state: State): number {
  return state.at === 'seen' ? state.seen.version : state.version
}

/** What a look that failed with `error` tells about the secret. */
export function outcomeOf(error: unknown): Outcome {
  // A limit that is reached says nothing of the secret: the next look is put off.
  if (error instanceof PolicyDeniedError) return { kind: error.temporary ? 'failed' : 'refused', error }
  if (error instanceof ServerError && error.status === 403) return { kind: 'refused', error }
  if (error instanceof ServerError && error.status === 404) return { kind: 'gone', error }
  if (isUnsupported(error)) return { kind: 'refused', error }
  return { kind: 'failed', error }
}

/** The next state, and what is to be told. A failure leaves the value where it is; a refusal withdraws it. Pure. */
export function step(state: State, outcome: Outcome): { readonly state: State; readonly notice: Notice | undefined } {
  const version = versionOf(state)
  switch (outcome.kind) {
    case 'seen':
      return { state: { at: 'seen', seen: outcome.seen, isStale: false }, notice: seenNotice(state, outcome.seen) }
    case 'gone':
      return {
        state: { at: 'withdrawn', version, error: outcome.error },
        notice: isDeleted(state) ? undefined : { event: 'deleted', version },
      }
    case 'refused': {
      const { code } = outcome.error
      const wasRefused = state.at === 'withdrawn' && state.error.code === code
      const notice = wasRefused ? undefined : ({ event: 'refused', code } as const)
      return { state: { at: 'withdrawn', version, error: outcome.error }, notice }
    }
    default:
      return {
        state: state.at === 'seen' ? { ...state, isStale: true } : state,
        notice: { event: 'failing', code: codeOf(outcome.error) },
      }
  }
}

function seenNotice(state: State, next: Seen): Notice | undefined {
  const { version } = next
  if (next.isDeleted) return isDeleted(state) ? undefined : { event: 'deleted', version }
  const isSame = state.at === 'seen' && !state.seen.isDeleted && isSameVersion(state.seen, next)
  return isSame ? undefined : { event: 'changed', version, previousVersion: versionOf(state) }
}

function isDeleted(state: State): boolean {
  if (state.at === 'seen') return state.seen.isDeleted
  return state.error instanceof ServerError && state.error.status === 404
}

function isSameVersion(a: Seen, b: Seen): boolean {
  return a.version === b.version && a.createdTime === b.createdTime
}

function isUnsupported(error: unknown): error is PortcullisError {
  return codeOf(error) === 'ERR_PORTCULLIS_WATCH_UNSUPPORTED'
}

function codeOf(error: unknown): string {
  const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined
  return typeof code === 'string' ? code : 'unknown'
}
