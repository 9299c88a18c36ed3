import { createHasher } from '../../../lib/audit/hasher.ts'
import type { CallerAttributes } from '../../../lib/model/caller.ts'
import type { JsonObject } from '../../../lib/model/json.ts'
import { shapeOf } from '../../../lib/model/shape.ts'

const HASHER = createHasher(new Uint8Array(16))
let count = 0

/** What a test says of a recorded request; the rest is usual. */
export interface Told {
  readonly caller?: CallerAttributes
  readonly data?: JsonObject
  readonly query?: JsonObject
  readonly effect?: 'allow' | 'deny'
  readonly reason?: string
  readonly shape?: boolean
  readonly time?: string
  readonly wrapTtl?: number
  readonly added?: readonly (readonly string[])[]
  readonly clear?: boolean
}

/** A line of an audit file. */
export function recordLine(operation: string, path: string, told: Told = {}): string {
  const {
    caller = { service: 'orders' },
    data,
    query,
    effect = 'allow',
    reason = 'rule',
    time = '2026-03-02T10:00:00.000Z',
  } = told
  count += 1
  return JSON.stringify({
    time,
    type: 'request',
    instance: 'i',
    sequence: count,
    caller,
    ...(told.added === undefined ? {} : { caller_added: told.added }),
    decision: { effect, reason },
    request: {
      ...{ id: `i-${count}`, operation, namespace: { path: '' }, path },
      ...(query === undefined ? {} : { query: HASHER.data(query) }),
      ...(data === undefined ? {} : { data: told.clear === true ? data : HASHER.data(data) }),
      ...(data === undefined || told.shape !== true ? {} : { shape: shapeOf(data) }),
      ...(told.wrapTtl === undefined ? {} : { wrap_ttl: told.wrapTtl }),
    },
  })
}
