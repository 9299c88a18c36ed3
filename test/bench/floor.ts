import { Ajv2020 } from 'ajv/dist/2020.js'
import { LRUCache } from 'lru-cache'
import type { AuditDecision, AuditEntry, AuditResponse } from '../../lib/model/audit-entry.ts'

/** Takes an entry; resolves when it has been accepted. */
export type Append = (entry: FloorEntry) => Promise<void> | void

type Entry = Required<Pick<AuditEntry, 'time' | 'type' | 'instance' | 'sequence' | 'caller' | 'auth' | 'request'>>

/** The entry of a hit, with the fields that the governed side writes. */
export interface FloorEntry extends Entry {
  readonly decision: AuditDecision & { readonly policy: string; readonly rule: string }
  readonly response: Required<Pick<AuditResponse, 'source' | 'status' | 'request_id' | 'secret' | 'data'>>
}

const PATH = 'database/creds/orders'
const CALLER = Object.freeze({ service: 'orders', component: 'checkout' })
const HMAC = `hmac-sha256:${'0f'.repeat(32)}`

/** What the request is judged by: about what the two policies of the governed side say. */
const REQUEST_SCHEMA = {
  type: 'object',
  properties: {
    operation: { enum: ['read', 'list'] },
    path: { type: 'string', maxLength: 256, not: { pattern: '^sys/' } },
    caller: { type: 'object', properties: { service: { const: 'orders' } }, required: ['service'] },
    query: { type: 'object', maxProperties: 0 },
  },
  required: ['operation', 'path', 'caller'],
  additionalProperties: false,
}

/**
 * The least that a governed hit is made of, by hand: look up, judge, record the one entry. No lease, no session, no
 * telemetry, no bounds; HMACs are taken as given.
 */
export function createFloor(append: Append): () => Promise<object> {
  const kept = new LRUCache<string, object>({ max: 1_000 })
  kept.set(PATH, Object.freeze({ data: { username: 'v-token-orders', password: 'secret' } }))
  const isAllowed = new Ajv2020({ strict: true }).compile(REQUEST_SCHEMA)
  let sequence = 0
  return async () => {
    const request = { operation: 'read', path: PATH, caller: CALLER, query: {} }
    const answer = kept.get(request.path)
    if (answer === undefined || !isAllowed(request)) throw new Error('the floor has no answer')
    sequence += 1
    await append(entryOf(sequence))
    return answer
  }
}

function entryOf(sequence: number): FloorEntry {
  return {
    time: new Date().toISOString(),
    type: 'response',
    instance: '1f8b2f0a-6d0c-4f1b-9a52-6f4f5b6c7d8e',
    sequence,
    caller: CALLER,
    decision: { effect: 'allow', reason: 'rule', policy: 'orders', rule: 'db' },
    auth: { client_token: HMAC, accessor: HMAC },
    request: {
      id: `1f8b2f0a-6d0c-4f1b-9a52-6f4f5b6c7d8e-${sequence}`,
      operation: 'read',
      namespace: { path: '' },
      path: PATH,
    },
    response: {
      source: 'cache',
      status: 200,
      request_id: '7f3c1b7e-0b1c-4c6e-9d55-2f0d7a6f0c11',
      secret: { lease_id: HMAC },
      data: { username: HMAC, password: HMAC },
    },
  }
}
