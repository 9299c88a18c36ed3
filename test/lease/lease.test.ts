import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createLeaseCache, isFresh } from '../../lib/lease/cache.ts'
import { createFlights } from '../../lib/lease/flights.ts'
import { Kept, type KeptFacts, openKept } from '../../lib/lease/kept.ts'
import { cacheKey } from '../../lib/lease/key.ts'
import { mayKeep, mayShare } from '../../lib/lease/sharing.ts'
import { createCaller } from '../../lib/options/caller.ts'
import { createNormalise, type RawRequest } from '../../lib/pipeline/normalise.ts'
import { answerWith, grant } from '../../lib/testing/scripted-transport.ts'

const normalise = createNormalise({ namespace: '', namespaces: ['', 'team-a'] })
const request = (more: Partial<RawRequest> = {}) => normalise({ operation: 'read', path: 'kv/a', ...more })
const START = { nowMs: 1_000, wallMs: 5_000 }
const after = (nowMs: number, wallMs = nowMs) => ({ nowMs: 1_000 + nowMs, wallMs: 5_000 + wallMs })
const LEASED = grant({ ttlMs: 100, leaseId: 'db/1' })

function kept(more: Partial<KeptFacts> = {}, answer = LEASED): Kept {
  const audit = { source: 'cache', status: 200 } as const
  return new Kept(answer, {
    request: request(),
    key: 'key',
    sentAt: START,
    livesMs: 100,
    fate: undefined,
    audit,
    ...more,
  })
}

test('a lease lives as long as both clocks say; where they disagree it is in doubt', () => {
  for (const [at, isLive] of [
    [after(99), true],
    [after(100), false],
    [after(10, 100), true],
    [after(100, 10), false],
    [after(99, -5_000), true],
    [after(100, -5_000), false],
    [after(-10), true],
  ] as const) {
    assert.equal(isFresh(kept(), undefined, at), isLive, JSON.stringify(at))
  }
  // In doubt: it may serve once it has been looked up, and shows no time left until then.
  assert.equal(kept().isDoubtful(after(10, 100)), true)
  assert.equal(kept().ttlMs(after(10, 100)), 0)
  for (const at of [after(99), after(100), after(100, 10), after(99, -5_000)])
    assert.equal(kept().isDoubtful(at), false)
})

test('the lease of a dead token is at its end, what has no lease is not', () => {
  const fate = { isDead: true, endsAtMs: Infinity }
  assert.equal(kept({ fate }).ttlMs(after(0)), 0)
  assert.equal(kept({ fate, livesMs: Infinity }, answerWith()).ttlMs(after(0)), Infinity)
})

test('a grant bounds a lease too', () => {
  const rule = { ttlMs: 10, staleIfErrorMs: 0 }
  assert.equal(isFresh(kept(), rule, after(9)), true)
  assert.equal(isFresh(kept(), rule, after(10)), false)
})

test('what is kept shows nothing of the answer', () => {
  const entry = kept({}, grant({ ttlMs: 100, data: { password: 'hunter2' } }))
  assert.doesNotMatch(inspect(entry, { depth: 9, showHidden: true }) + JSON.stringify(entry), /hunter2/)
  assert.equal(openKept(entry).data?.password, 'hunter2')
})

test('an entry past its end is dropped when it is asked for', () => {
  const cache = createLeaseCache(10)
  cache.put('k', kept())
  assert.equal(cache.get('k', undefined, after(100)), undefined)
  assert.equal(cache.size, 0)
})

test('drop() leaves a newer entry alone', () => {
  const cache = createLeaseCache(10)
  const [old, next] = [kept(), kept()]
  cache.put('k', next)
  cache.drop('k', old)
  assert.equal(cache.get('k', undefined, after(0)), next)
  cache.drop('k', next)
  assert.equal(cache.size, 0)
})

test('evict() goes by namespace', () => {
  const cache = createLeaseCache(10)
  cache.put('a', kept({ request: request({ namespace: 'team-a' }) }))
  cache.put('b', kept())
  assert.equal(cache.evict({ path: 'kv/a', namespace: 'team-a' }, ''), 1)
  assert.equal(cache.evict({ path: 'kv/a' }, ''), 1)
  assert.equal(cache.evictions, 2)
})

const caller = createCaller({ service: 'orders' })

test('a key is the same for what is asked the same way, in whatever order', () => {
  const key = (query: Record<string, string>): string => cacheKey(request({ query }), caller, 'gateway', '')
  assert.equal(key({ a: '1', b: '2' }), key({ b: '2', a: '1' }))
})

test('a key tells apart namespace, operation, path, query, body, caller and identity', () => {
  const other = createCaller({ service: 'other' })
  const keys = [
    cacheKey(request(), caller, 'gateway', ''),
    cacheKey(request({ namespace: 'team-a' }), caller, 'gateway', ''),
    cacheKey(request({ operation: 'list' }), caller, 'gateway', ''),
    cacheKey(request({ path: 'kv/a/' }), caller, 'gateway', ''),
    cacheKey(request({ query: { a: '1' } }), caller, 'gateway', ''),
    cacheKey(request({ query: { a: '' } }), caller, 'gateway', ''),
    cacheKey(request({ data: {} }), caller, 'gateway', ''),
    cacheKey(request(), caller, 'caller', ''),
    cacheKey(request(), other, 'caller', ''),
    cacheKey(request(), caller, 'gateway', 'hmac-1'),
    cacheKey(request(), caller, 'gateway', 'hmac-2'),
    cacheKey(request(), caller, 'caller', 'hmac-1'),
  ]
  assert.equal(new Set(keys).size, keys.length)
})

test('a key shows neither path nor query', () => {
  const key = cacheKey(request({ path: 'kv/hunter2', query: { a: 'hunter2' } }), caller, 'gateway', '')
  assert.doesNotMatch(key, /hunter2/)
})

test('only plain reads and lists may be shared', () => {
  assert.equal(mayShare(request()), true)
  assert.equal(mayShare(request({ operation: 'list' })), true)
  assert.equal(mayShare(request({ wrapTtlMs: 1000 })), false)
  assert.equal(mayShare(request({ data: {} })), false)
  for (const operation of ['write', 'patch', 'delete', 'scan'] as const) {
    assert.equal(mayShare(request({ operation })), false)
  }
  for (const path of ['sys/a', 'auth/a', 'cubbyhole/a', 'identity/a', 'totp/code/a']) {
    assert.equal(mayShare(request({ path })), false)
  }
  assert.equal(mayShare(request({ path: 'system/a' })), true)
})

test('wrapped answers, tokens, bytes and odd statuses are not kept', () => {
  assert.equal(mayKeep(LEASED), true)
  assert.equal(mayKeep(answerWith({ status: 404, data: {} })), false)
  assert.equal(mayKeep(answerWith({ status: 204 })), false)
  assert.equal(mayKeep({ ...LEASED, raw: { contentType: '', bytes: new Uint8Array() } }), false)
  assert.equal(mayKeep({ ...LEASED, auth: {} as never }), false)
  assert.equal(mayKeep({ ...LEASED, wrapInfo: {} as never }), false)
  for (const mountType of ['cubbyhole', 'ns_cubbyhole', 'system', 'identity', 'token', 'totp']) {
    assert.equal(mayKeep({ ...LEASED, mountType }), false)
  }
})

test('a flight is joined until it has landed, and not after', async () => {
  const flights = createFlights<number>()
  const { promise, resolve } = Promise.withResolvers<number>()
  const flight = flights.start('k', () => promise)
  assert.equal(flights.join('k'), flight)
  assert.equal(flight.waiting, 2)
  assert.equal(flights.join('other'), undefined)
  resolve(1)
  assert.equal(await flight.outcome, 1)
  assert.equal(flights.join('k'), undefined)
  assert.equal(flights.size, 0)
})

test('a flight that fails while nobody waits is no unhandled rejection', async () => {
  const flights = createFlights<number>()
  flights.start('k', () => Promise.reject(new Error('down')))
  await new Promise(setImmediate)
  assert.equal(flights.size, 0)
})
