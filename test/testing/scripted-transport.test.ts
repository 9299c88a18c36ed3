import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ServerError } from '../../lib/errors/index.ts'
import type { TransportRequest } from '../../lib/ports/transport.ts'
import { answerWith, grant, refuse, type ScriptedTransport, scripted } from '../../lib/testing/index.ts'

const REQUEST: TransportRequest = {
  operation: 'read',
  namespace: '',
  path: 'database/creds/app',
  query: {},
  body: undefined,
  wrapTtlMs: 0,
  token: undefined,
  requestId: 'r',
  repeatable: false,
}

const send = (transport: ScriptedTransport): Promise<unknown> => transport.send(REQUEST, { timeoutMs: 1_000 })

test('a script is followed in order, and its requests are kept', async () => {
  const transport = scripted([refuse(503), grant({ ttlMs: 60_000, data: { a: 1 } }), () => answerWith({ status: 204 })])
  await assert.rejects(send(transport), { code: 'ERR_PORTCULLIS_SERVER_SEALED', status: 503, temporary: true })
  assert.deepEqual(await send(transport), grant({ ttlMs: 60_000, data: { a: 1 } }))
  assert.deepEqual(await send(transport), answerWith({ status: 204 }))
  assert.deepEqual(transport.paths(), ['database/creds/app', 'database/creds/app', 'database/creds/app'])
  transport.done()
})

test('a call too many fails at once, and again at the end', async () => {
  const transport = scripted([])
  await assert.rejects(send(transport), /0 steps, but request 1 came: read database\/creds\/app/)
  assert.throws(() => transport.done(), /0 steps, but request 1 came/)
})

test('a call too few fails at the end', () => {
  assert.throws(() => scripted([grant({ ttlMs: 1 })]).done(), /1 steps, but only 0 requests came/)
})

test('a refusal keeps the server’s words out of its message', async () => {
  const error = await send(scripted([refuse(400, { errors: ['secret words'] })])).catch((caught: unknown) => caught)
  assert.ok(error instanceof ServerError)
  assert.deepEqual(error.serverErrors(), ['secret words'])
  assert.ok(!error.message.includes('secret words'))
})

test('an error among the steps is what the call rejects with', async () => {
  const error = new Error('mine')
  await assert.rejects(send(scripted([error])), error)
})

test('an answer of a script is frozen, as a real one is', () => {
  assert.throws(() => {
    Object.assign(grant({ ttlMs: 1, data: { a: { b: 1 } } }).data?.a as object, { b: 2 })
  }, TypeError)
})
