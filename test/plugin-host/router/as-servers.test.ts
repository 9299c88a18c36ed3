import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { type Script, said } from './scripted-plugins.ts'
import { world } from './world.ts'

// What the comparison with a real server brought to light; test/plugin-host/equivalence has the comparison.

const MOUNTS = { mounts: { mock: { type: 'mock' } } }

function always(data: object, unauthenticated: readonly string[] = []): Script {
  return { specialPaths: { unauthenticated }, handle: () => said(data) }
}

test('an unauthenticated path opens no list of the same name', async (t) => {
  const { refusal, ask, plugins } = await world(t, { mock: always({ keys: ['a'] }, ['open']) }, MOUNTS)
  assert.equal(await refusal('list', 'mock/open', { token: 'none' }), '403: permission denied')
  assert.equal(await refusal('scan', 'mock/open', { token: 'none' }), '403: permission denied')
  assert.equal(plugins.requests.length, 0)
  await ask('read', 'mock/open', { token: 'none' })
  assert.equal(plugins.requests.length, 1)
})

test('whoever asks for help gets it, whatever the method and the value; an empty value asks for nothing', async (t) => {
  const { ask, plugins } = await world(t, { mock: always({ keys: ['a'] }) }, MOUNTS)
  for (const help of ['1', '0', 'x', '']) await ask('read', 'mock/a', { query: { help } })
  await ask('write', 'mock/a', { query: { help: '1' }, data: { a: 1 } })
  await ask('list', 'mock/a', { query: { help: '1' } })
  assert.deepEqual(
    plugins.requests.map(({ operation, path }) => [operation, path]),
    [...Array(3).fill(['help', 'a']), ['read', 'a'], ['help', 'a'], ['help', 'a']],
  )
})

test('a raw answer is wrapped as any other, and comes out as it went in', async (t) => {
  const raw = {
    http_status_code: 200,
    http_content_type: 'text/plain',
    http_raw_body: Buffer.from('the secret').toString('base64'),
  }
  const { ask, refusal } = await world(t, { mock: always(raw) }, MOUNTS)
  const { raw: bare, wrapInfo } = await ask('read', 'mock/a', { wrapTtlMs: 60_000 })
  assert.equal(bare, undefined)
  const token = wrapInfo?.token
  assert.ok(token !== undefined)
  const answer = await ask('write', 'sys/wrapping/unwrap', { token })
  assert.equal(answer.raw?.contentType, 'text/plain')
  assert.equal(Buffer.from(answer.raw?.bytes ?? []).toString(), 'the secret')
  assert.match(await refusal('write', 'sys/wrapping/unwrap', { token }), /^40[03]: /)
})

test('a body that is no object goes no further', async (t) => {
  const { host, gateway, plugins } = await world(t, { mock: always({}) }, MOUNTS)
  const request = {
    operation: 'write',
    namespace: '',
    path: 'mock/a',
    query: {},
    wrapTtlMs: 0,
    token: gateway,
  } as const
  for (const body of ['[1]', '1', 'no json', '"text"']) {
    const sent = host.send({ ...request, body, requestId: 'r', repeatable: false }, { timeoutMs: 1000 })
    await assert.rejects(sent, { status: 400, code: 'ERR_PORTCULLIS_SERVER_BAD_REQUEST' })
  }
  assert.equal(plugins.requests.length, 0)
})
