import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendError, BackendReply, BackendRequest } from '../../../lib/model/backend.ts'
import { SYSTEM_TTL_MS } from '../../../lib/plugin-host/router/duration.ts'
import { authOf, type Script, said } from './scripted-plugins.ts'
import { world } from './world.ts'

/** Answers by path: what a test put there, else "unsupported path" as a Go plugin would. */
function answering(
  replies: Readonly<Record<string, BackendReply | ((request: BackendRequest) => BackendReply)>>,
): Script {
  return {
    specialPaths: { root: ['config/root*'], unauthenticated: ['login', 'open/*', 'p/+/x'] },
    exists: ({ path }) => ({ checked: path.startsWith('checked/'), exists: path === 'checked/there' }),
    handle(request) {
      const reply = replies[request.path] ?? {
        error: { kind: 'unsupported-path', message: 'unsupported path', status: 0 },
      }
      return typeof reply === 'function' ? reply(request) : reply
    },
  }
}

const MOUNTS = { mounts: { mock: { type: 'mock' } } }

test('operations of the gateway reach the plugin by its own names, with the facts of the mount', async (t) => {
  const { ask, plugins } = await world(
    t,
    { mock: answering({ a: said({ x: 1 }), 'l/': said({ keys: ['b'] }) }) },
    MOUNTS,
  )
  await ask('read', 'mock/a', { query: { version: '3' } })
  await ask('list', 'mock/l')
  await ask('delete', 'mock/a')
  await ask('patch', 'mock/a', { data: { p: 1 } })
  await ask('scan', 'mock/l')
  const seen = plugins.requests.map(({ operation, path, data }) => [operation, path, data])
  assert.deepEqual(seen, [
    ['read', 'a', '{"version":"3"}'],
    ['list', 'l/', 'null'],
    ['delete', 'a', 'null'],
    ['patch', 'a', '{"p":1}'],
    ['scan', 'l/', 'null'],
  ])
  const [first] = plugins.requests
  assert.equal(first?.mountPoint, 'mock/')
  assert.equal(first?.mountType, 'mock')
  assert.match(first?.mountAccessor ?? '', /^mock_[0-9a-f]{8}$/)
  assert.match(first?.clientToken ?? '', /^[0-9a-f]{40}$/)
  assert.equal(first?.unauthenticated, false)
})

test('the existence check tells create from update', async (t) => {
  const replies = { 'checked/there': said({}), 'checked/new': said({}), plain: said({}) }
  const { ask, plugins } = await world(t, { mock: answering(replies) }, MOUNTS)
  for (const path of ['checked/there', 'checked/new', 'plain']) await ask('write', `mock/${path}`, { data: { a: 1 } })
  assert.deepEqual(
    plugins.requests.map(({ operation }) => operation),
    ['update', 'create', 'update'],
  )
})

const KINDS: readonly (readonly [BackendError, status: number, words: string])[] = [
  [{ kind: 'other', message: 'test', status: 0 }, 500, 'test'],
  [{ kind: 'user', message: 'test', status: 0 }, 500, 'test'],
  [{ kind: 'internal', message: 'test', status: 0 }, 500, 'test'],
  [{ kind: 'coded', message: 'test', status: 403 }, 403, 'test'],
  [{ kind: 'coded', message: 'test', status: 418 }, 418, 'test'],
  [{ kind: 'coded', message: 'test', status: 99 }, 500, 'test'],
  [{ kind: 'bad-request', message: 'test', status: 0 }, 400, 'test'],
  [{ kind: 'unsupported-operation', message: 'unsupported operation', status: 0 }, 405, 'unsupported operation'],
  [{ kind: 'unsupported-path', message: 'unsupported path', status: 0 }, 404, 'unsupported path'],
  [{ kind: 'invalid-request', message: 'invalid request', status: 0 }, 400, 'invalid request'],
  [{ kind: 'permission-denied', message: 'permission denied', status: 0 }, 403, 'permission denied'],
  [
    { kind: 'needs-approval', message: 'request needs further approval', status: 0 },
    500,
    'request needs further approval',
  ],
  [{ kind: 'unrecoverable', message: 'unrecoverable error', status: 0 }, 500, 'unrecoverable error'],
  [{ kind: 'other', message: 'permission denied', status: 0 }, 403, 'permission denied'],
  [{ kind: 'other', message: 'so: permission denied', status: 0 }, 500, 'so: permission denied'],
  [{ kind: 'other', message: 'rate limit quota exceeded', status: 0 }, 429, 'rate limit quota exceeded'],
]

for (const [error, status, words] of KINDS) {
  test(`an error of kind ${error.kind} "${error.message}" is ${status}, worded as the server does`, async (t) => {
    const { refusal } = await world(t, { mock: answering({ a: { error }, login: { error } }) }, MOUNTS)
    assert.equal(await refusal('read', 'mock/a'), `${status}: 1 error occurred:\n\t* ${words}\n\n`)
    // On the way of a login it is told bare.
    assert.equal(await refusal('write', 'mock/login'), `${status}: ${words}`)
  })
}

test('an error with a response is 400 where its kind says nothing; the words of an error response win', async (t) => {
  const other = { kind: 'other', message: 'inner', status: 0 } as const
  const coded = { kind: 'coded', message: 'inner', status: 409 } as const
  const replies = {
    a: { ...said({}), error: other },
    b: { ...said({ error: 'outer' }), error: other },
    c: { ...said({ error: 'outer' }), error: coded },
  }
  const { refusal } = await world(t, { mock: answering(replies) }, MOUNTS)
  assert.equal(await refusal('read', 'mock/a'), '400: 1 error occurred:\n\t* inner\n\n')
  assert.equal(await refusal('read', 'mock/b'), '400: outer')
  assert.equal(await refusal('read', 'mock/c'), '400: outer')
})

test('an error response is 400 with its text; beside data it is an answer with status 400', async (t) => {
  const replies = {
    plain: said({ error: 'no such role' }),
    batch: said({ error: 'some failed', data: { batch_results: [{ error: 'x' }] } }),
    field: said({ error: 'is a field', other: 1 }),
  }
  const { refusal, ask } = await world(t, { mock: answering(replies) }, MOUNTS)
  assert.equal(await refusal('read', 'mock/plain'), '400: no such role')
  const batch = await ask('write', 'mock/batch', { data: {} })
  assert.deepEqual([batch.status, batch.data], [400, { batch_results: [{ error: 'x' }] }])
  assert.deepEqual((await ask('read', 'mock/field')).data, { error: 'is a field', other: 1 })
})

test('nothing is 404 for reads and lists, and 204 for writes', async (t) => {
  const nothing: BackendReply = {}
  const replies = {
    a: nothing,
    'a/': nothing,
    'none/': said({}),
    'empty/': said({ keys: [] }),
    'null/': said(null),
    'info/': said({ key_info: { x: 1 } }),
    'warned/': said({}, { warnings: ['w'] }),
    data: said(null),
  }
  const { refusal, ask } = await world(t, { mock: answering(replies) }, MOUNTS)
  assert.equal(await refusal('read', 'mock/a'), '404: ')
  for (const path of ['a', 'none', 'empty', 'null']) assert.equal(await refusal('list', `mock/${path}`), '404: ', path)
  assert.deepEqual((await ask('list', 'mock/info')).data, { key_info: { x: 1 } })
  assert.deepEqual((await ask('list', 'mock/warned')).warnings, ['w'])
  for (const operation of ['write', 'delete', 'patch'] as const)
    assert.equal((await ask(operation, 'mock/a', { data: {} })).status, 204)
  const empty = await ask('read', 'mock/data')
  assert.deepEqual([empty.status, empty.data], [200, undefined])
})

test('raw answers go back as they are: text, bytes in base64, and JSON with its envelope', async (t) => {
  const deleted = JSON.stringify({
    request_id: 'r',
    data: { data: null, metadata: { version: 1 } },
    warnings: ['gone'],
  })
  const raw = (data: object): BackendReply => said(data)
  const replies = {
    text: raw({
      http_status_code: 200,
      http_content_type: 'text/plain',
      http_raw_body: Buffer.from('Response').toString('base64'),
    }),
    json: raw({ http_status_code: 404, http_content_type: 'application/json', http_raw_body: deleted }),
    bare: raw({ http_status_code: 404, http_content_type: 'application/json', http_raw_body: '{"errors":["nope"]}' }),
    none: raw({ http_status_code: 204, http_content_type: '' }),
    odd: raw({ http_status_code: 7 }),
  }
  const { refusal, ask } = await world(t, { mock: answering(replies) }, MOUNTS)
  const text = await ask('read', 'mock/text')
  assert.equal(Buffer.from(text.raw?.bytes ?? []).toString(), 'Response')
  const json = await ask('read', 'mock/json')
  assert.deepEqual([json.status, json.data, json.warnings], [404, { data: null, metadata: { version: 1 } }, ['gone']])
  assert.equal(await refusal('read', 'mock/bare'), '404: nope')
  assert.equal((await ask('read', 'mock/none')).status, 204)
  assert.match(await refusal('read', 'mock/odd'), /^500: /)
})

test('data that is no JSON object is a fault of the plugin, and nothing of it is told', async (t) => {
  const odd = ['[1]', '"s"', '1', '', '{', '{"a":1}x', `{"a":${'['.repeat(200)}${']'.repeat(200)}}`]
  const replies = Object.fromEntries(odd.map((data, at) => [`o${at}`, said({}, { data })]))
  const { refusal } = await world(t, { mock: answering(replies) }, MOUNTS)
  for (const at of odd.keys()) {
    const words = await refusal('read', `mock/o${at}`)
    assert.equal(words, '500: 1 error occurred:\n\t* the plugin answered data that is no JSON object\n\n')
  }
})

test('unauthenticated paths need no token, root paths an operator, all others a living token', async (t) => {
  const replies = Object.fromEntries(
    ['login', 'open/x', 'p/any/x', 'p/any/y', 'config/root/a', 'a'].map((path) => [path, said({ ok: true })]),
  )
  const it = await world(t, { mock: answering(replies) }, MOUNTS)
  for (const path of ['login', 'open/x', 'p/any/x'])
    assert.deepEqual((await it.ask('read', `mock/${path}`, { token: 'none' })).data, { ok: true }, path)
  assert.equal(await it.refusal('read', 'mock/p/any/y', { token: 'none' }), '403: permission denied')
  assert.equal(await it.refusal('read', 'mock/a', { token: 'none' }), '403: permission denied')
  assert.equal(await it.refusal('read', 'mock/config/root/a'), '403: 1 error occurred:\n\t* permission denied\n\n')
  assert.deepEqual((await it.ask('read', 'mock/config/root/a', { token: it.operator })).data, { ok: true })
  assert.equal(it.plugins.requests.filter(({ unauthenticated }) => unauthenticated).length, 3)
})

test('what no mount serves, and paths that mean something else, are refused', async (t) => {
  const { refusal } = await world(t, { mock: answering({}) }, MOUNTS)
  assert.equal(await refusal('read', 'none/x'), '404: no handler for route "none/x". route entry not found.')
  assert.equal(await refusal('list', 'none'), '404: no handler for route "none/". route entry not found.')
  assert.equal(await refusal('write', 'mock/'), "400: cannot write to a path ending in '/'")
  for (const path of ['mock//x', 'mock/../x', '/mock', 'mock/./a', 'mock/a\u0000b', 'a'.repeat(5000)])
    assert.equal(await refusal('read', path), '400: invalid request', JSON.stringify(path.slice(0, 20)))
})

test('help is the answer without an envelope', async (t) => {
  const help = { help: 'text', openapi: {}, see_also: null }
  const { ask, plugins } = await world(t, { mock: answering({ a: said(help), '': said(help) }) }, MOUNTS)
  assert.deepEqual((await ask('read', 'mock/a', { query: { help: '1' } })).data, help)
  assert.deepEqual((await ask('read', 'mock', { query: { help: '1' } })).data, help)
  assert.deepEqual(
    plugins.requests.map(({ operation, path, data }) => [operation, path, data]),
    [
      ['help', 'a', '{}'],
      ['help', '', '{}'],
    ],
  )
})

test('a token out of anything but a login is refused', async (t) => {
  const auth = authOf()
  const { refusal } = await world(
    t,
    { mock: answering({ a: said(null, { auth }), login: said(null, { auth }) }) },
    MOUNTS,
  )
  assert.match(await refusal('write', 'mock/a'), /^500: /)
  // A secrets engine logs nobody in, whatever it calls its paths.
  assert.match(await refusal('write', 'mock/login'), /^500: /)
})

test('the system view has the TTLs of the mount', async (t) => {
  const views: number[][] = []
  const script: Script = {
    handle(_, { view }) {
      views.push([view.defaultLeaseTtlMs, view.maxLeaseTtlMs])
      return said({})
    },
  }
  const it = await world(
    t,
    { mock: script },
    { mounts: { a: { type: 'mock' }, b: { type: 'mock', defaultLeaseTtlMs: 60_000, maxLeaseTtlMs: 120_000 } } },
  )
  await it.ask('read', 'a/x')
  await it.ask('read', 'b/x')
  assert.deepEqual(views, [
    [SYSTEM_TTL_MS, SYSTEM_TTL_MS],
    [60_000, 120_000],
  ])
})
