import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerError } from '../../lib/errors/index.ts'
import { unseal } from '../../lib/model/sealed.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import { assertNoLeak } from './leaks.ts'
import { json, KV, peer, SECRET, send, TOKEN, transportTo } from './support.ts'

/** What `transport.send` makes of a body. */
async function answered(
  t: import('node:test').TestContext,
  status: number,
  body: unknown,
  headers: Record<string, string> = {},
): Promise<ServerAnswer> {
  const server = await peer(t, (response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers })
    response.end(typeof body === 'string' || body instanceof Uint8Array ? body : JSON.stringify(body))
  })
  return send(transportTo(t, { address: server.url, maxRetries: 0 }))
}

function isCode(code: string): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof ServerError, String(error))
    assert.equal(error.code, code)
    assertNoLeak(error)
    return true
  }
}

test('a leased secret comes with its duration in milliseconds', async (t) => {
  const answer = await answered(t, 200, {
    request_id: 'r-7',
    lease_id: 'database/creds/app/x',
    renewable: true,
    lease_duration: 3600,
    data: { username: 'u', list: [{ a: 1 }] },
    warnings: ['w', 7],
    mount_type: 'database',
  })
  assert.equal(answer.leaseId, 'database/creds/app/x')
  assert.equal(answer.leaseDurationMs, 3_600_000)
  assert.equal(answer.renewable, true)
  assert.equal(answer.requestId, 'r-7')
  assert.equal(answer.mountType, 'database')
  assert.deepEqual(answer.warnings, ['w'])
  assert.deepEqual(answer.data, { username: 'u', list: [{ a: 1 }] })
})

test('data is frozen at every depth', async (t) => {
  const { data } = await answered(t, 200, { data: { list: [{ a: {} }] } })
  const list = data?.list as readonly { a: object }[]
  for (const value of [data, list, list[0], list[0]?.a]) assert.ok(Object.isFrozen(value))
})

test('durations that are none become 0, and huge ones stay whole numbers', async (t) => {
  for (const [told, expected] of [
    ['-1', 0],
    ['"60"', 0],
    ['null', 0],
    ['1e400', 0],
    ['{}', 0],
    ['1e300', Number.MAX_SAFE_INTEGER],
    ['1.5', 1500],
    ['2764800', 2_764_800_000],
  ] as const) {
    const { leaseDurationMs } = await answered(t, 200, `{"lease_duration":${told},"data":{}}`)
    assert.equal(leaseDurationMs, expected, told)
  }
})

test('a login gives a sealed token', async (t) => {
  const auth = {
    client_token: TOKEN,
    accessor: SECRET,
    policies: ['default', 'app'],
    lease_duration: 60,
    renewable: true,
    token_type: 'service',
    orphan: true,
    num_uses: 3,
    mfa_requirement: null,
  }
  const answer = await answered(t, 200, { request_id: 'r', data: null, auth })
  const grant = answer.auth ?? assert.fail()
  assert.equal(unseal(grant.token), TOKEN)
  assert.equal(unseal(grant.accessor), SECRET)
  assertNoLeak(answer)
  const { ttlMs, renewable, policies, tokenType, orphan, numUses, mfaRequired } = grant
  assert.deepEqual(
    { ttlMs, renewable, policies, tokenType, orphan, numUses, mfaRequired },
    {
      ttlMs: 60_000,
      renewable: true,
      policies: ['default', 'app'],
      tokenType: 'service',
      orphan: true,
      numUses: 3,
      mfaRequired: false,
    },
  )
  assert.equal(answer.data, undefined)
})

test('a token of duration 0 has no end; one of a senseless duration is over', async (t) => {
  const ttl = async (told: unknown): Promise<number | undefined> =>
    (await answered(t, 200, { auth: { client_token: 'x', lease_duration: told } })).auth?.ttlMs
  assert.equal(await ttl(0), Infinity)
  assert.equal(await ttl(-1), 0)
  assert.equal(await ttl('soon'), 0)
})

test('a login that wants a second factor says so', async (t) => {
  const { auth } = await answered(t, 200, { auth: { client_token: '', mfa_requirement: { mfa_request_id: 'm' } } })
  assert.equal(auth?.mfaRequired, true)
})

test('a wrapped answer gives a sealed wrapping token', async (t) => {
  const wrap_info = {
    token: TOKEN,
    accessor: SECRET,
    ttl: 120,
    creation_path: 'kv/data/app',
    creation_time: '2026-01-01T00:00:00Z',
  }
  const answer = await answered(t, 200, { request_id: '', data: null, wrap_info })
  const info = answer.wrapInfo ?? assert.fail()
  assert.equal(unseal(info.token), TOKEN)
  assert.equal(info.ttlMs, 120_000)
  assert.equal(info.creationPath, 'kv/data/app')
  assertNoLeak(answer)
})

test('204 and an empty 200 have no data', async (t) => {
  assert.equal((await answered(t, 204, '')).data, undefined)
  assert.equal((await answered(t, 200, '')).data, undefined)
})

test('an answer without envelope is data as a whole', async (t) => {
  const { data } = await answered(t, 200, { initialized: true, sealed: false, version: '2.7.2' })
  assert.deepEqual(data, { initialized: true, sealed: false, version: '2.7.2' })
})

test('a refusal that carries data is an answer', async (t) => {
  const batch = await answered(t, 400, { data: { batch_results: [{ error: 'x' }] } })
  assert.equal(batch.status, 400)
  assert.deepEqual(batch.data, { batch_results: [{ error: 'x' }] })
  const deleted = await answered(t, 404, { data: { data: null, metadata: { deletion_time: 'x' } } })
  assert.equal(deleted.status, 404)
  assert.deepEqual(deleted.data, { data: null, metadata: { deletion_time: 'x' } })
})

test('a refusal without an object in data is an error', async (t) => {
  for (const data of [null, [], 'x', 7]) {
    await assert.rejects(answered(t, 400, { data }), isCode('ERR_PORTCULLIS_SERVER_BAD_REQUEST'))
    await assert.rejects(answered(t, 404, { data }), isCode('ERR_PORTCULLIS_SERVER_NOT_FOUND'))
  }
  await assert.rejects(answered(t, 403, { data: {} }), isCode('ERR_PORTCULLIS_SERVER_FORBIDDEN'))
})

test('what is no JSON comes raw', async (t) => {
  const bytes = new Uint8Array([0, 255, 254, 10, 13])
  const answer = await answered(t, 200, bytes, { 'content-type': 'application/pkix-cert' })
  assert.deepEqual(answer.raw, { contentType: 'application/pkix-cert', bytes })
  assert.equal(answer.data, undefined)
})

test('a web page is a bad answer', async (t) => {
  const page = answered(t, 200, '<html>', { 'content-type': 'text/html; charset=utf-8' })
  await assert.rejects(page, isCode('ERR_PORTCULLIS_SERVER_BAD_ANSWER'))
})

test('bad JSON is a bad answer, and is not quoted', async (t) => {
  const bodies = [
    `{"data":{"password":"${SECRET}"`,
    `{"data":{"password":"${SECRET}"}} x`,
    `"${SECRET}"`,
    `["${SECRET}"]`,
    'null',
    '7',
    new Uint8Array([0x7b, 0x22, 0xff, 0xfe, 0x22, 0x3a, 0x31, 0x7d]),
    `{"data":"${SECRET}"}`,
    `{"data":["${SECRET}"]}`,
    '{"auth":7}',
    '{"wrap_info":"x"}',
  ]
  for (const body of bodies) await assert.rejects(answered(t, 200, body), isCode('ERR_PORTCULLIS_SERVER_BAD_ANSWER'))
})

test('nesting deeper than 100 is a bad answer, in small and large bodies', async (t) => {
  const nested = (levels: number): string => `{"data":{"a":${'['.repeat(levels)}${']'.repeat(levels)}}}`
  assert.ok((await answered(t, 200, nested(98))).data)
  await assert.rejects(answered(t, 200, nested(99)), isCode('ERR_PORTCULLIS_SERVER_BAD_ANSWER'))
  await assert.rejects(answered(t, 200, nested(200_000)), isCode('ERR_PORTCULLIS_SERVER_BAD_ANSWER'))
  await assert.rejects(answered(t, 200, '['.repeat(2_000_000)), isCode('ERR_PORTCULLIS_SERVER_BAD_ANSWER'))
})

test('a large flat answer with brackets and quotes in its text is taken', async (t) => {
  const text = '[{"\\'.repeat(40_000)
  const { data } = await answered(t, 200, { data: { text } })
  assert.equal(data?.text, text)
})

test('a __proto__ key stays a key', async (t) => {
  const { data } = await answered(t, 200, '{"__proto__":{"polluted":1},"data":{"__proto__":{"admin":true},"a":1}}')
  assert.ok(data !== undefined && Object.hasOwn(data, '__proto__'))
  assert.equal(Object.getPrototypeOf(data), Object.prototype)
  assert.equal(Reflect.get({}, 'polluted'), undefined)
})

test('compression is not asked for', async (t) => {
  const server = await peer(t, (response) => json(response, 200, KV))
  await send(transportTo(t, { address: server.url }))
  assert.equal(server.seen[0]?.headers['accept-encoding'], undefined)
})
