import assert from 'node:assert/strict'
import test from 'node:test'
import { guardOwnToken, withoutOwnToken } from '../../../adapters/sidecar/request/own-token.ts'
import { parseStrict } from '../../../adapters/sidecar/request/strict-json.ts'
import { readTarget } from '../../../adapters/sidecar/request/target.ts'
import { wrapTtlMs } from '../../../adapters/sidecar/request/wrap-ttl.ts'

const READ: readonly (readonly [method: string, url: string, operation: string, path: string, query?: object])[] = [
  ['GET', '/v1/kv/a', 'read', 'kv/a'],
  ['HEAD', '/v1/kv/a', 'read', 'kv/a'],
  ['REPORT', '/v1/kv/', 'list', 'kv/'],
  ['SEARCH', '/v1/kv/', 'scan', 'kv/'],
  ['PUT', '/v1/kv/a', 'write', 'kv/a'],
  ['GET', '/v1/kv/a?list=true', 'list', 'kv/a'],
  ['GET', '/v1/kv/a?list=T&after=x', 'list', 'kv/a', { after: 'x' }],
  ['GET', '/v1/kv/a?scan=1', 'scan', 'kv/a'],
  ['GET', '/v1/kv/a?list=false', 'read', 'kv/a'],
  ['GET', '/v1/kv/a?version=2&x=a+b%20c', 'read', 'kv/a', { version: '2', x: 'a b c' }],
  ['GET', '/v1/kv/a%2Fb', 'read', 'kv/a/b'],
  ['GET', '/v1/kv/a%3Fb%23c%5Cd%25', 'read', 'kv/a?b#c\\d%'],
  ['GET', '/v1/kv/caf%C3%A9+', 'read', 'kv/café+'],
  // The gateway refuses it, since it judges names as decoded once.
  ['GET', '/v1/kv/%2e%2e/x', 'read', 'kv/../x'],
  ['GET', '/v1/kv/..a%252e', 'read', 'kv/..a%2e'],
]

for (const [method, url, operation, path, query = {}] of READ) {
  test(`${method} ${url} is a ${operation} of ${path}`, () => {
    const target = readTarget(method, url)
    assert.deepEqual({ ...target, query: { ...target.query } }, { operation, path, query, isHead: method === 'HEAD' })
  })
}

const REFUSED: readonly (readonly [method: string, url: string, status: number])[] = [
  ['TRACE', '/v1/kv/a', 405],
  ['OPTIONS', '/v1/kv/a', 405],
  ['GET', '/v2/kv/a', 404],
  ['GET', '/ui/', 404],
  ['GET', 'http://evil/v1/kv/a', 400],
  ['GET', '/v1/kv\\a', 400],
  ['GET', '/v1/kv#a', 400],
  ['GET', '/v1/kv/\u00e9', 400],
  ['GET', '/v1/kv/%', 400],
  ['GET', '/v1/kv/%zz', 400],
  ['GET', '/v1/kv/%ff', 400],
  ['GET', '/v1/kv/%c0%ae%c0%ae/x', 400],
  ['GET', '/v1/kv/a%00', 400],
  ['GET', '/v1/kv/%252e%252e/x', 400],
  ['GET', '/v1/kv/.%252e/x', 400],
  ['GET', '/v1/kv/%25252e%25252E', 400],
  ['GET', '/v1/kv/%252e', 400],
  ['GET', '/v1/kv/a?list=maybe', 400],
  ['GET', '/v1/kv/a?list=true&list=false', 400],
  ['GET', '/v1/kv/a?list=true&scan=true', 400],
  ['GET', '/v1/kv/a?help=1', 400],
  ['GET', '/v1/kv/a?a=1;b=2', 400],
  ['POST', '/v1/kv/a?list=true', 400],
  ['GET', '/v1/kv/a?x=%ff', 400],
]

for (const [method, url, status] of REFUSED) {
  test(`${method} ${JSON.stringify(url)} is refused with ${status}`, () => {
    assert.throws(() => readTarget(method, url), { status })
  })
}

test('bodies that everybody reads alike are taken', () => {
  const body =
    '{"a":1,"b":[{"a":1.50},{"a":-0.0}],"c":{"a":1e3,"b":"{\\"x\\":1,\\"x\\":2}"},"d":9007199254740991,"":0.1}'
  assert.deepEqual({ ...parseStrict(Buffer.from(body)) }, JSON.parse(body))
})

const BAD_BODIES: readonly (readonly [statement: string, body: string | Buffer])[] = [
  ['names that stand twice', '{"a":1,"a":2}'],
  ['names that stand twice, one of them escaped', '{"a":1,"\\u0061":2}'],
  ['names that stand twice, deep down', '{"a":[{"b":{"c":1, "c" : 2}}]}'],
  ['trailing data', '{"a":1}{"a":2}'],
  ['a list', '[1]'],
  ['null', 'null'],
  ['no JSON', 'a=1&b=2'],
  ['bad UTF-8', Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d])],
  ['a number that loses digits', '{"a":12345678901234567890}'],
  ['a fraction that loses digits', '{"a":0.12345678901234567890123}'],
  ['a number beyond all', '{"a":1e999}'],
  ['nesting', `{"a":${'['.repeat(70)}${']'.repeat(70)}}`],
]

for (const [statement, body] of BAD_BODIES) {
  test(`a body with ${statement} is refused, and not quoted`, () => {
    assert.throws(() => parseStrict(Buffer.from(body)), { status: 400, message: /^the body / })
  })
}

test('a large body is read without a stack for each character', () => {
  const body = JSON.stringify({ blob: 'A"\\'.repeat(3_000_000), after: 1 })
  assert.equal(parseStrict(Buffer.from(body)).after, 1)
})

test('wrap TTLs are read as servers read them, in whole seconds', () => {
  assert.equal(wrapTtlMs('60'), 60_000)
  assert.equal(wrapTtlMs('1m30s'), 90_000)
  assert.equal(wrapTtlMs('1.5h'), 5_400_000)
  assert.equal(wrapTtlMs('0'), undefined)
  for (const text of ['-1', '1.5s', '100ms', 'soon', '1e9', '9999999999999', ' 60']) {
    assert.throws(() => wrapTtlMs(text), { status: 400 }, text)
  }
})

test("the sidecar's own token is neither ended nor told, wherever the path puts a namespace", () => {
  for (const path of ['auth/token/revoke-self', 'team-b/auth/token/revoke-self', 'auth/token/revoke-self/'])
    assert.throws(() => guardOwnToken({ path }, undefined), { status: 403 })
  for (const path of ['auth/token/lookup-self', 'ns/auth/token/renew-self', 'auth/token/lookup'])
    assert.throws(() => guardOwnToken({ path }, 60_000), { status: 403 })
  const told = Buffer.from(JSON.stringify({ data: { id: 's.own', accessor: 'acc', ttl: 5 }, auth: null }))
  assert.deepEqual(JSON.parse(Buffer.from(withoutOwnToken(told, undefined)).toString()), {
    data: { ttl: 5 },
    auth: null,
  })
  const named = JSON.parse(Buffer.from(withoutOwnToken(told, { token: 's.own' })).toString())
  assert.equal(named.data.accessor, 'acc')
})
