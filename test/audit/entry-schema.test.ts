import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuditEntry, AuditGap } from '../../lib/model/audit-entry.ts'
import { assertEntry, ENTRY_SCHEMA, isEntry } from '../support/entry-schema.ts'

const HMAC = `hmac-sha256:${'0a'.repeat(32)}`

/** Every field that an entry can have. */
const FULL: Required<AuditEntry> = {
  time: '2026-01-01T00:00:00.000Z',
  type: 'response',
  instance: 'i-1',
  sequence: 1,
  caller: { service: 'orders', admin: false, level: 3, groups: ['a', 'b'] },
  caller_added: [['service'], ['admin', 'level', 'groups']],
  decision: { effect: 'deny', reason: 'request-schema', policy: 'p', rule: 'r', pointer: '/data/a', keyword: 'type' },
  shadow: { effect: 'deny', reason: 'forbid', policy: 'q', rule: 'r', pointer: '/data/a', keyword: 'type' },
  auth: { client_token: HMAC, accessor: HMAC },
  request: {
    id: 'i-1-1',
    operation: 'update',
    namespace: { path: 'team-a/' },
    path: 'secret/data/a',
    query: { version: HMAC },
    data: { nested: { any: [HMAC, 1, null, true] } },
    shape: { nested: { any: ['s8', 'i', 'z', 'b'] } },
    wrap_ttl: 60,
  },
  response: {
    source: 'server',
    shared: true,
    status: 200,
    request_id: 'server-1',
    secret: { lease_id: HMAC },
    data: { any: { thing: HMAC } },
    auth: { client_token: HMAC, accessor: HMAC, policies: ['default'] },
    wrap_info: { token: HMAC, accessor: HMAC, ttl: 60, creation_path: 'secret/data/a' },
    warnings: 2,
  },
  error: 'ERR_PORTCULLIS_SERVER_FAILED: it failed',
  trace: { trace_id: 'ab'.repeat(16), span_id: 'cd'.repeat(8) },
  event: { name: 'policies.reloaded', detail: { added: ['orders'] } },
}

const GAP: AuditGap = {
  time: '2026-01-01T00:00:00.000Z',
  type: 'gap',
  instance: 'i-1',
  gap: { count: 2, from_sequence: 3, to_sequence: 9 },
}

test('an entry with every field satisfies the schema', () => assertEntry(FULL))

test('an entry with the least fields satisfies the schema', () => {
  const { time, type, instance, sequence, caller, decision } = FULL
  const { id, operation, namespace, path } = FULL.request
  assertEntry({ time, type, instance, sequence, caller, decision, request: { id, operation, namespace, path } })
})

test('an entry of type event without an event is refused', () => {
  const { event, ...rest } = FULL
  assertEntry({ ...rest, type: 'event', event })
  assert.equal(isEntry({ ...rest, type: 'event' }), false)
})

test('the marker of a gap satisfies the schema', () => assertEntry(GAP))

test('a field that nobody knows is refused wherever it stands, but in caller, data, query, detail and shape', () => {
  const free = new Set(['caller', 'data', 'query', 'detail', 'shape'])
  for (const [place, object] of objectsOf(FULL)) {
    const isFree = place.some((name) => free.has(name))
    object.surprise = 'x'
    assert.equal(isEntry(FULL), isFree, place.join('/'))
    delete object.surprise
  }
  assertEntry(FULL)
})

test('every field of the schema is one that the model has', () => {
  const defs = ENTRY_SCHEMA.$defs as Record<string, { readonly properties?: object }>
  assert.deepEqual(Object.keys(defs.entry?.properties ?? {}).sort(), Object.keys(FULL).sort())
  assert.deepEqual(Object.keys(defs.request?.properties ?? {}).sort(), Object.keys(FULL.request).sort())
  assert.deepEqual(Object.keys(defs.response?.properties ?? {}).sort(), Object.keys(FULL.response).sort())
  assert.deepEqual(Object.keys(defs.decision?.properties ?? {}).sort(), Object.keys(FULL.decision).sort())
  assert.deepEqual(Object.keys(defs.gapEntry?.properties ?? {}).sort(), Object.keys(GAP).sort())
})

test('a token, accessor or lease id in clear is refused', () => {
  const { response } = FULL
  const clear = 'hvs.in-clear'
  assert.equal(isEntry({ ...FULL, auth: { client_token: clear } }), false)
  assert.equal(isEntry({ ...FULL, auth: { accessor: clear } }), false)
  assert.equal(isEntry({ ...FULL, response: { ...response, secret: { lease_id: clear } } }), false)
  assert.equal(isEntry({ ...FULL, response: { ...response, auth: { ...response.auth, client_token: clear } } }), false)
  assert.equal(
    isEntry({ ...FULL, response: { ...response, wrap_info: { ...response.wrap_info, token: clear } } }),
    false,
  )
})

test('a sequence of 0, an empty gap and a time without milliseconds are refused', () => {
  assert.equal(isEntry({ ...FULL, sequence: 0 }), false)
  assert.equal(isEntry({ ...GAP, gap: { ...GAP.gap, count: 0 } }), false)
  assert.equal(isEntry({ ...FULL, time: '2026-01-01T00:00:00Z' }), false)
})

/** Every object inside `value`, and where it stands. */
function objectsOf(value: object, place: readonly string[] = []): [readonly string[], Record<string, unknown>][] {
  const inner = Object.entries(value).flatMap(([name, item]) =>
    typeof item === 'object' && item !== null && !Array.isArray(item) ? objectsOf(item, [...place, name]) : [],
  )
  return [[place, value as Record<string, unknown>], ...inner]
}
