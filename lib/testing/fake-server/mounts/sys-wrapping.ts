import type { Call, Outcome } from '../backend.ts'
import { durationMs } from '../duration.ts'
import { Refusal, secondsOf } from '../exchange.ts'
import type { State, WrappedResponse } from '../state.ts'
import { textField } from './fields.ts'

/** `sys/wrapping/…`. @param rest - What follows. */
export function onWrapping(rest: string, call: Call, state: State): Outcome {
  switch (rest) {
    case 'wrap':
      if (!isWrapping(call)) throw new Refusal(400, 'endpoint requires response wrapping to be used')
      return { data: call.data }
    case 'lookup':
      return lookedUp(call, state)
    case 'unwrap':
      return unwrapped(call, state)
    default:
      throw new Refusal(404, 'unsupported path')
  }
}

function lookedUp(call: Call, state: State): Outcome {
  const { creationPath, creationTime, ttlMs } = found(call, state)
  return {
    data: { creation_path: creationPath, creation_time: creationTime, creation_ttl: secondsOf(ttlMs) },
  }
}

function unwrapped(call: Call, state: State): Outcome {
  const { response } = found(call, state)
  const id = tokenOf(call)
  const token = state.tokens.find(id)
  if (token !== undefined) state.tokens.revoke(token)
  state.wrapped.delete(id)
  return { unwrapped: response }
}

function found(call: Call, state: State): WrappedResponse {
  const id = tokenOf(call)
  if (id === '') throw new Refusal(403, 'error validating wrapping token: token is empty')
  const response = state.tokens.find(id) === undefined ? undefined : state.wrapped.get(id)
  if (response === undefined) throw new Refusal(400, 'wrapping token is not valid or does not exist')
  return response
}

function isWrapping({ request }: Call): boolean {
  return durationMs(request.headers['x-vault-wrap-ttl'], 0) > 0
}

/** The one told in the body, else the one that asks. */
function tokenOf({ data, token, request }: Call): string {
  return textField(data, 'token') || token?.id || (request.headers['x-vault-token'] ?? '')
}
