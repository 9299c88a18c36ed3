import { isJsonObject, type JsonObject } from '../../../model/json.ts'
import { textField } from '../fields.ts'
import type { Outcome } from '../outcome.ts'
import { refuse, unsupportedOperation, unsupportedPath } from '../refusal.ts'
import { rawOutcome } from '../shape.ts'
import { type Wrapping, wrapInfoOf } from '../wrapping.ts'
import type { OwnCall, OwnHandler } from './call.ts'

const ACTIONS: readonly string[] = ['wrap', 'lookup', 'unwrap', 'rewrap']

/** `sys/wrapping/…`. */
export function createWrappingHandler(wrapping: Wrapping): OwnHandler {
  return (call) => {
    if (call.rest === 'lookup' && call.operation === 'read') return { data: wrapping.lookUp(tokenOf(call)) }
    if (!ACTIONS.includes(call.rest)) throw unsupportedPath()
    if (call.operation !== 'write') throw unsupportedOperation()
    switch (call.rest) {
      case 'wrap':
        return wrapped(call)
      case 'lookup':
        return { data: wrapping.lookUp(tokenOf(call)) }
      case 'unwrap':
        return unwrapped(wrapping, call)
      default:
        return rewrapped(wrapping, call)
    }
  }
}

/** What is sent comes back, and is wrapped on its way as any answer. */
function wrapped({ data, wrapTtlMs }: OwnCall): Outcome {
  if (wrapTtlMs === 0) throw refuse(400, 'endpoint requires response wrapping to be used')
  return { data }
}

async function unwrapped(wrapping: Wrapping, call: OwnCall): Promise<Outcome> {
  const token = tokenOf(call)
  if (token === '') throw refuse(403, 'error validating wrapping token: token is empty')
  const envelope: JsonObject = await wrapping.unwrap(token)
  const { data } = envelope
  return isJsonObject(data) && data.http_status_code !== undefined ? rawOutcome(data) : { envelope }
}

async function rewrapped(wrapping: Wrapping, call: OwnCall): Promise<Outcome> {
  return { wrapInfo: wrapInfoOf(await wrapping.rewrap(tokenOf(call))) }
}

/** The one told in the body, else the one that asks. */
function tokenOf({ data, tokenValue }: OwnCall): string {
  return textField(data, 'token') || tokenValue
}
