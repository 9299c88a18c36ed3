import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { createNormalise, DATA_MAX_DEPTH, type RawRequest } from '../../lib/pipeline/normalise.ts'

const NAMESPACES = { namespace: 'team-a', namespaces: ['', 'team-a', 'team-a/sub', 'team-b'] }
const normalise = createNormalise(NAMESPACES)
const read = (path: string, more: Partial<RawRequest> = {}): RawRequest => ({ operation: 'read', path, ...more })
const write = (data: unknown): RawRequest => ({ operation: 'write', path: 'kv/a', data })
const BODY = { code: 'ERR_PORTCULLIS_BODY_REFUSED' }
const PATH = { code: 'ERR_PORTCULLIS_PATH_REFUSED' }

test('the same plain call gives the identical request', () => {
  assert.equal(normalise(read('kv/a')), normalise(read('kv/a')))
  assert.notEqual(normalise(read('kv/a')), normalise({ operation: 'list', path: 'kv/a' }))
})

test('the memo of plain calls is bounded', () => {
  const fresh = createNormalise(NAMESPACES)
  const first = fresh(read('kv/0'))
  for (let n = 1; n <= 10_000; n += 1) fresh(read(`kv/${n}`))
  assert.notEqual(fresh(read('kv/0')), first)
})

test('NFC and NFD stay two secrets', () => {
  assert.notEqual(normalise(read('kv/\u00e9')).path, normalise(read('kv/e\u0301')).path)
})

test('a path that is no string is refused, known or not', () => {
  normalise(read('kv/a'))
  for (const path of [['kv/a'], { toString: () => 'kv/a' }, 5, null, undefined, Symbol('kv/a')]) {
    assert.throws(() => normalise(read(path as never)), TypeError)
  }
})

test('only configured namespaces are taken, in canonical form', () => {
  assert.equal(normalise(read('kv/a')).namespace, 'team-a')
  assert.equal(normalise(read('kv/a', { namespace: 'team-b' })).namespace, 'team-b')
  assert.equal(normalise(read('kv/a', { namespace: '' })).namespace, '')
  for (const namespace of ['team-c', 'team-a/', '/team-a', 'TEAM-A', 'team-a/other', 'root', '__proto__', null, 5]) {
    assert.throws(() => normalise(read('kv/a', { namespace: namespace as never })), {
      code: 'ERR_PORTCULLIS_NAMESPACE_REFUSED',
    })
  }
})

test('a path that reaches into a child namespace is refused', () => {
  for (const path of ['team-b', 'team-b/', 'team-b/kv/a', 'team-a/sub/kv/a', 'team-a/kv']) {
    assert.throws(() => normalise(read(path, { namespace: '' })), PATH)
  }
  for (const path of ['sub', 'sub/', 'sub/kv/a']) assert.throws(() => normalise(read(path)), PATH)
  assert.equal(normalise(read('sub/kv', { namespace: 'team-b' })).path, 'sub/kv')
  assert.equal(normalise(read('team-bc/kv', { namespace: '' })).path, 'team-bc/kv')
  assert.equal(normalise(read('subs/kv')).path, 'subs/kv')
})

for (const name of ['list', 'scan', 'help']) {
  test(`the query parameter ${name} is refused, since it changes the operation`, () => {
    for (const value of ['true', '', false])
      assert.throws(() => normalise(read('kv/a', { query: { [name]: value } })), BODY)
  })
}

test('query values are strings, numbers or booleans, and well formed', () => {
  assert.deepEqual(
    { ...normalise(read('kv/a', { query: { a: 1, b: true, c: 'x' } })).query },
    { a: '1', b: 'true', c: 'x' },
  )
  for (const value of [null, undefined, {}, [1], 5n, '\ud800']) {
    assert.throws(() => normalise(read('kv/a', { query: { a: value } })), BODY)
  }
  assert.throws(() => normalise(read('kv/a', { query: { '\ud800': 'x' } })), BODY)
})

test('__proto__ in query and data is a name like any other', () => {
  const query = normalise(read('kv/a', { query: JSON.parse('{"__proto__":"x"}') })).query
  assert.deepEqual(Object.keys(query), ['__proto__'])
  const { data, body } = normalise(write(JSON.parse('{"__proto__":{"a":1},"constructor":1}')))
  assert.deepEqual(Object.keys(data ?? {}), ['__proto__', 'constructor'])
  assert.equal(body, '{"__proto__":{"a":1},"constructor":1}')
  assert.equal(({} as { a?: number }).a, undefined)
})

test('what is judged is what is sent: a getter that changes its mind is read once', () => {
  let reads = 0
  const data = {
    get role(): string {
      reads += 1
      return reads === 1 ? 'app' : 'admin'
    },
  }
  const request = normalise(write(data))
  assert.deepEqual([request.data, request.body], [{ role: 'app' }, '{"role":"app"}'])
})

test('what is judged is what is sent: toJSON and proxies are judged by what they serialise to', () => {
  const twoFaced = { role: 'app', toJSON: () => ({ role: 'admin' }) }
  assert.deepEqual(normalise(write(twoFaced)).data, { role: 'admin' })
  let reads = 0
  const proxy = new Proxy({ role: '' }, { get: () => (++reads > 1 ? 'admin' : undefined) })
  const request = normalise(write(proxy))
  assert.deepEqual(request.data, JSON.parse(request.body ?? ''))
})

const cyclic: Record<string, unknown> = { hunter2: 'hunter2' }
cyclic.self = cyclic

for (const [name, data] of [
  ['a cycle', cyclic],
  ['a BigInt', { hunter2: 5n }],
  ['an array', ['hunter2']],
  ['a string', 'hunter2'],
  ['null', null],
  ['a Date', new Date(0)],
  ['a Map', new Map([['hunter2', 1]])],
  ['a Set within', { a: [new Set(['hunter2'])] }],
  ['a Promise within', { hunter2: Promise.resolve(1) }],
  ['NaN', { hunter2: Number.NaN }],
  ['Infinity', { hunter2: Infinity }],
  ['a lone surrogate', { hunter2: 'a\ud800' }],
  ['a lone surrogate in a name', { 'hunter2\ud800': 1 }],
  ['a toJSON to no object', { toJSON: () => 'hunter2' }],
  ['a toJSON to nothing', { toJSON: () => undefined }],
  ['a toJSON that throws', { toJSON: () => { throw new Error('hunter2') } }], // biome-ignore format: one line a case
  ['a toJSON that throws null', { toJSON: () => { throw null } }], // biome-ignore format: one line a case
  ['nesting without end', JSON.parse(`${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`)],
  ['nesting one level too deep', JSON.parse(`${'{"a":'.repeat(DATA_MAX_DEPTH + 1)}1${'}'.repeat(DATA_MAX_DEPTH + 1)}`)],
] as const) {
  test(`data with ${name} is refused without an echo`, () => {
    assert.throws(
      () => normalise(write(data)),
      (error: { code: string }) => {
        assert.equal(error.code, BODY.code)
        assert.doesNotMatch(inspect(error), /hunter2/)
        return true
      },
    )
  })
}

test('data of a class with properties, a Date within and bytes are taken as they serialise', () => {
  class Card {
    readonly number = '4111'
  }
  assert.equal(normalise(write(new Card())).body, '{"number":"4111"}')
  assert.equal(normalise(write({ at: new Date(0) })).body, '{"at":"1970-01-01T00:00:00.000Z"}')
  assert.equal(normalise(write({})).body, '{}')
  assert.equal(normalise(write(Object.assign(Object.create(null), { a: [] }))).body, '{"a":[]}')
})

test('nesting up to the bound is taken', () => {
  const depth = DATA_MAX_DEPTH
  assert.doesNotThrow(() => normalise(write(JSON.parse(`${'{"a":'.repeat(depth)}1${'}'.repeat(depth)}`))))
})

test('a wrap TTL is whole seconds, from one', () => {
  assert.equal(normalise(read('kv/a', { wrapTtlMs: 60_000 })).wrapTtlMs, 60_000)
  for (const wrapTtlMs of [0, 999, 1500, -1000, Number.NaN, Infinity, '60000', null]) {
    assert.throws(() => normalise(read('kv/a', { wrapTtlMs: wrapTtlMs as never })), RangeError)
  }
})

test('a request is frozen', () => {
  assert.ok(Object.isFrozen(normalise(read('kv/a'))))
  assert.ok(Object.isFrozen(normalise(read('kv/a', { query: { a: 1 } })).query))
})
