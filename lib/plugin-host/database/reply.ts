import type { BackendReply, BackendSecret } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'

/** Ends a request with what the caller is told. Never leaves this folder. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly reply: BackendReply

  constructor(message: string, reply: BackendReply) {
    super(message)
    this.reply = reply
  }
}

/** An answer with `data`, and a lease where `secret` is given. */
export function answer(data: JsonObject | null, secret?: BackendSecret): BackendReply {
  return {
    response: {
      ...(secret === undefined ? {} : { secret }),
      data: JSON.stringify(data),
      redirect: '',
      warnings: [],
      wrapTtlMs: 0,
      headers: {},
    },
  }
}

/** An answer that is nothing but a warning. */
export function warned(warning: string): BackendReply {
  return withWarnings(answer(null), [warning])
}

/** The request is wrong: an error response, status 400. */
export function refuse(message: string): Refusal {
  return new Refusal(message, answer({ error: message }))
}

/** It cannot be carried out: an error of the backend, status 500. */
export function fail(message: string): Refusal {
  return new Refusal(message, failed(message))
}

/** As {@link fail}, to be given back. */
export function failed(message: string): BackendReply {
  return { error: { kind: 'other', message, status: 0 } }
}

export const UNSUPPORTED_OPERATION: BackendReply = {
  error: { kind: 'unsupported-operation', message: 'unsupported operation', status: 0 },
}

export const UNSUPPORTED_PATH: BackendReply = {
  error: { kind: 'unsupported-path', message: 'unsupported path', status: 0 },
}

/** `reply` with more warnings after its own; nothing to a reply without response. */
export function withWarnings(reply: BackendReply, warnings: readonly string[]): BackendReply {
  const { response } = reply
  if (response === undefined || warnings.length === 0) return reply
  return { ...reply, response: { ...response, warnings: [...response.warnings, ...warnings] } }
}
