import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import { seal, unseal } from '../../../lib/model/sealed.ts'
import { SYSTEM_TTL_MS } from '../../../lib/plugin-host/router/duration.ts'
import { type Script, said, secretOf } from './scripted-plugins.ts'
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

test('a renewal that asks for no more gives what was given before, and the plugin is told it', async (t) => {
  const script: Script = {
    handle: ({ operation, secret }) =>
      operation === 'renew' ? said({}, secret === undefined ? {} : { secret }) : said({}, { secret: secretOf() }),
  }
  const { ask, plugins } = await world(t, { mock: script }, MOUNTS)
  const { leaseId } = await ask('read', 'mock/a')
  const renew = async (data: object): Promise<number> =>
    (await ask('write', 'sys/leases/renew', { data: { lease_id: leaseId, ...data } })).leaseDurationMs
  assert.equal(await renew({ increment: 60 }), 60_000)
  assert.equal(await renew({}), 60_000)
  assert.deepEqual(
    plugins.of('renew').map(({ secret }) => secret?.ttlMs),
    [SYSTEM_TTL_MS, 60_000],
  )
})

test('what a mount cannot become is refused in the words of the server', async (t) => {
  const kv = { type: 'kv', options: { version: '2' } }
  const { operator, refusal, ask } = await world(
    t,
    { kv: always({}), mock: always({}) },
    { mounts: { kv, mock: MOUNTS.mounts.mock } },
  )
  const tune = (path: string, data: object): Promise<string> =>
    refusal('write', `sys/mounts/${path}/tune`, { token: operator, data })
  assert.equal(await tune('kv', { options: { version: '1' } }), '400: cannot downgrade mount from version 2')
  assert.equal(await tune('mock', { listing_visibility: 'x' }), '400: invalid listing_visibility x')
  assert.equal(await tune('mock', { token_type: 'batch' }), "400: 'token_type' can only be modified on auth mounts")
  assert.equal(await tune('mock', { default_lease_ttl: 'soon' }), '400: time: invalid duration "soon"')
  assert.match(await tune('mock', { options: 'x' }), /^400: Field validation failed: .*invalid key pair at index 0/)
  const move = (to: string): Promise<string> =>
    refusal('write', 'sys/remount', { token: operator, data: { from: 'mock', to } })
  assert.equal(await move('kv'), '400: path already in use at "kv/"')
  assert.equal(await move('auth/mock'), '400: cannot remount to destination auth/mock/')
  const remove = (path: string): Promise<string> => refusal('delete', path, { token: operator })
  assert.equal(await remove('sys/mounts/sys'), '400: cannot unmount "sys/"')
  assert.equal(await remove('sys/auth/token'), '400: token credential backend cannot be disabled')
  assert.equal((await ask('read', 'sys/mounts/kv', { token: operator })).status, 200)
})

test('a wrapping token told in the body needs no other; none at all is refused', async (t) => {
  const { ask, refusal } = await world(t, { mock: always({ a: 1 }) }, MOUNTS)
  const { wrapInfo } = await ask('read', 'mock/a', { wrapTtlMs: 60_000 })
  const token = unseal(wrapInfo?.token ?? seal(''))
  assert.equal(
    await refusal('write', 'sys/wrapping/unwrap', { token: 'none', data: {} }),
    '403: error validating wrapping token: token is empty',
  )
  assert.deepEqual((await ask('write', 'sys/wrapping/unwrap', { token: 'none', data: { token } })).data, { a: 1 })
})
