import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { ServerError } from '../../lib/errors/index.ts'
import { createHttpTransport } from '../../lib/http/transport.ts'
import { seal } from '../../lib/model/sealed.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import { resolveServer } from '../../lib/options/server.ts'
import type { Transport, TransportRequest } from '../../lib/ports/transport.ts'
import { systemClock } from '../../lib/system/clock.ts'
import { createFakeServer, FakeClock, type FakeServer, type Fault, fixedRandom } from '../../lib/testing/index.ts'

/** Both ways into one server: what one sees, the other has to see. */
interface Ways {
  readonly server: FakeServer
  readonly memory: Transport
  readonly http: Transport
}

async function ways(t: TestContext): Promise<Ways> {
  const server = createFakeServer()
  const address = await server.listen()
  const http = createHttpTransport(resolveServer({ address, maxRetries: 0 }, {}), {
    clock: systemClock,
    random: fixedRandom(),
  })
  t.after(async () => {
    await server.close()
    await http.close()
  })
  server.root('POST', 'secret/data/a b?c', { data: { v: 'é' } })
  server.root('POST', 'sys/mounts/transit', { type: 'transit' })
  server.root('POST', 'sys/mounts/pki', { type: 'pki' })
  return { server, memory: server.transport(), http }
}

function request(server: FakeServer, fields: Partial<TransportRequest>): TransportRequest {
  return {
    operation: 'read',
    namespace: '',
    path: 'secret/data/a b?c',
    query: {},
    body: undefined,
    wrapTtlMs: 0,
    token: seal(server.rootToken),
    requestId: 'r-1',
    repeatable: false,
    ...fields,
  }
}

type Told = Readonly<Record<string, unknown>>

/** What a caller learns, without what differs from call to call. */
async function told(way: Transport, asked: TransportRequest, timeoutMs = 2_000): Promise<Told> {
  try {
    return answerFacts(await way.send(asked, { timeoutMs }))
  } catch (error) {
    if (!(error instanceof ServerError)) throw error
    const { code, status, mayHaveHappened, retryAfterMs, temporary } = error
    return { code, status, mayHaveHappened, retryAfterMs, temporary, words: error.serverErrors() }
  }
}

function answerFacts({ requestId, raw, wrapInfo, data, ...rest }: ServerAnswer): Told {
  const wrapped = wrapInfo && { ttlMs: wrapInfo.ttlMs, creationPath: wrapInfo.creationPath }
  const names = data === undefined ? [] : Object.keys(data)
  return { ...rest, hasId: requestId !== '', names, wrapped, bytes: raw?.bytes.length, contentType: raw?.contentType }
}

const BATCH = JSON.stringify({ batch_input: [{ plaintext: 'aGk=' }, { plaintext: '***' }] })

const REQUESTS: Readonly<Record<string, Partial<TransportRequest>>> = {
  'a read of a name that needs encoding': {},
  'a list': { operation: 'list', path: 'secret/metadata/' },
  'a path that is not there': { path: 'secret/data/none' },
  'a refusal': { token: seal('nobody') },
  'a wrapped read': { wrapTtlMs: 60_000 },
  'a transit batch with an error': { operation: 'write', path: 'transit/encrypt/k', body: BATCH },
  'an answer that is no JSON': { path: 'pki/ca/pem', token: undefined },
  'a write that answers nothing': { operation: 'write', path: 'cubbyhole/x', body: '{"v":1}' },
  'a patch': { operation: 'patch', body: '{"data":{"w":2}}' },
  'a namespace that is not there': { namespace: 'nowhere' },
}

for (const [name, fields] of Object.entries(REQUESTS)) {
  test(`${name} is told alike in memory and over HTTP`, async (t) => {
    const { server, memory, http } = await ways(t)
    const asked = request(server, fields)
    assert.deepEqual(await told(memory, asked), await told(http, asked))
  })
}

const FAULTS: Readonly<Record<string, Fault>> = {
  'a sealed server': { status: 503, errors: ['Vault is sealed'] },
  'a broken server': { status: 500, errors: ['internal error'] },
  'a rate limit': { rateLimited: 7 },
  'a reset': { reset: true },
  'a truncated answer': { truncate: true },
  'broken JSON': { badJson: true },
  'a web page': { body: '<html>', headers: { 'Content-Type': 'text/html' } },
  'a redirect elsewhere': { redirect: 'http://elsewhere.invalid/v1/x' },
  'a delay': { delayMs: 5 },
}

for (const [name, fault] of Object.entries(FAULTS)) {
  test(`${name} is told alike in memory and over HTTP`, async (t) => {
    const { server, memory, http } = await ways(t)
    const handle = server.fault(fault)
    const asked = request(server, {})
    assert.deepEqual(await told(memory, asked), await told(http, asked))
    assert.equal(handle.hits, 2)
  })
}

test('a server that hangs is told alike in memory and over HTTP', async (t) => {
  const { server, memory, http } = await ways(t)
  server.fault({ hang: true })
  const asked = request(server, {})
  assert.deepEqual(await told(memory, asked, 50), await told(http, asked, 50))
})

test('both ways leave the same request behind, without its token', async (t) => {
  const { server, memory, http } = await ways(t)
  const asked = request(server, { operation: 'write', body: '{"data":{}}', query: { x: 'a b' } })
  await told(memory, asked)
  await told(http, asked)
  const [first, second] = server.requests
  const { host, connection, 'content-length': length, ...headers } = second?.headers ?? {}
  assert.ok(host && connection && length)
  assert.deepEqual({ ...second, headers }, first)
  assert.equal(first?.headers['x-vault-token'], '[redacted]')
  assert.equal(server.requestsWithTokens()[0]?.headers['x-vault-token'], server.rootToken)
})

test('a lost answer may stand for a deed: carriedOut says whether', async () => {
  const server = createFakeServer()
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/roles/app', { default_ttl: '1h' })
  const transport = server.transport()
  const ask = (): Promise<Told> => told(transport, request(server, { path: 'database/creds/app' }))
  server.fault({ reset: true, times: 1 })
  await ask()
  assert.equal(server.mints(), 0)
  server.fault({ reset: true, times: 1, carriedOut: true })
  await ask()
  assert.equal(server.mints(), 1)
  assert.equal(server.leases().length, 1)
})

test('a fault strikes where, when and as often as it is told', async () => {
  const server = createFakeServer()
  const ask = async (path: string): Promise<unknown> =>
    (await told(server.transport(), request(server, { path }))).status
  const fault = server.fault({ path: 'secret/data/*', after: 1, times: 1, status: 500 })
  assert.deepEqual(
    [await ask('secret/data/x'), await ask('cubbyhole/x'), await ask('secret/data/x'), await ask('secret/data/x')],
    [404, 404, 500, 404],
  )
  assert.equal(fault.hits, 1)
  const next = server.fault({ path: /x$/g, status: 500 })
  assert.deepEqual([await ask('secret/data/x'), await ask('secret/data/x')], [500, 500])
  next.remove()
  assert.equal(await ask('secret/data/x'), 404)
})

test('time limits and delays in memory go by the fake clock', async () => {
  const clock = new FakeClock()
  const server = createFakeServer({ clock })
  server.fault({ delayMs: 3_600_000 })
  const late = told(server.transport(), request(server, {}), 7_200_000)
  await clock.advance(3_600_000)
  assert.equal((await late).status, 404)
  const never = told(server.transport(), request(server, {}), 1_000)
  await clock.advance(1_000)
  assert.equal((await never).code, 'ERR_PORTCULLIS_SERVER_TIMEOUT')
  assert.equal(clock.pending, 0)
})

test('an abort ends the wait with its reason', async () => {
  const clock = new FakeClock()
  const server = createFakeServer({ clock })
  server.fault({ hang: true })
  const reason = new Error('enough')
  const controller = new AbortController()
  const sent = server.transport().send(request(server, {}), { timeoutMs: 1_000, signal: controller.signal })
  controller.abort(reason)
  await assert.rejects(sent, reason)
  assert.equal(clock.pending, 0)
})
