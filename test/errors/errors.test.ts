import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import * as errors from '../../lib/errors/index.ts'
import { DENIED, OURS, samples } from './samples.ts'

const ALL = Object.entries(samples())
const KINDS = Object.keys(samples()) as errors.ErrorKind[]

test('an error is named after its class, and its stack opens with that name', () => {
  for (const [kind, error] of ALL) {
    assert.equal(error.name, kind)
    assert.equal(error.stack?.split('\n')[0], `${kind}: ${error.message}`)
    assert.equal(inspect(error).split('\n')[0], `${kind}: ${error.message}`)
  }
})

test('every error is an Error and a PortcullisError', () => {
  for (const [, error] of ALL) {
    assert.ok(error instanceof Error)
    assert.ok(error instanceof errors.PortcullisError)
  }
})

test('an error matches its own class and no other subclass', () => {
  for (const [kind, error] of ALL) {
    const matches = KINDS.filter((other) => error instanceof OURS[other])
    assert.deepEqual(matches, [kind])
  }
})

test('what is no error of ours matches no class of ours', () => {
  for (const value of [undefined, null, 'PortcullisError', 42, {}, new Error('x'), new TypeError('x'), () => 1]) {
    assert.equal((value as unknown) instanceof errors.PortcullisError, false)
    assert.equal((value as unknown) instanceof errors.LeaseError, false)
  }
})

test("a user's subclass matches its own errors and its parents', and no error of its parent", () => {
  class OwnError extends errors.LeaseError {}
  class NamedError extends errors.LeaseError {
    static override readonly kind = 'NamedError'
  }
  for (const Own of [OwnError, NamedError]) {
    const own = new Own('ERR_PORTCULLIS_LEASE_EXPIRED', 'ended')
    assert.ok(own instanceof Own)
    assert.ok(own instanceof errors.LeaseError)
    assert.ok(own instanceof errors.PortcullisError)
    assert.equal(samples().LeaseError instanceof Own, false)
  }
})

test('temporary comes from the table of codes', () => {
  for (const [, error] of ALL) assert.equal(error.temporary, errors.ERROR_CODES[error.code].temporary)
})

test('temporary of a single error overrides the table', () => {
  const lasting = new errors.SessionError('ERR_PORTCULLIS_SESSION_LOGIN', 'no such role', {
    method: 'approle',
    temporary: false,
  })
  assert.equal(lasting.temporary, false)
  assert.equal(new errors.LeaseError('ERR_PORTCULLIS_LEASE_EXPIRED', 'ended', { temporary: true }).temporary, true)
})

test('the cause is kept as it is, and absent where there is none', () => {
  const cause = new Error('ECONNREFUSED')
  const error = new errors.GatewayError('ERR_PORTCULLIS_GATEWAY_CLOSED', 'closed', { cause })
  assert.equal(error.cause, cause)
  assert.equal('cause' in new errors.GatewayError('ERR_PORTCULLIS_GATEWAY_CLOSED', 'closed'), false)
})

test('the facts of an error stand in its fields', () => {
  const { AuditError, PolicyDeniedError, PolicyLoadError, ServerError, SessionError } = samples()
  assert.deepEqual(Object.entries(PolicyDeniedError), [
    ['code', 'ERR_PORTCULLIS_POLICY_DENIED'],
    ['temporary', false],
    ['decision', DENIED],
  ])
  assert.deepEqual(Object.entries(PolicyLoadError).slice(2), [
    ['file', 'a.json'],
    ['pointer', '/rules/0'],
  ])
  assert.deepEqual(Object.entries(AuditError).slice(2), [
    ['device', 'file'],
    ['phase', 'request'],
  ])
  assert.deepEqual(Object.entries(SessionError).slice(2), [['method', 'approle']])
  assert.deepEqual(Object.entries(ServerError).slice(2), [
    ['operation', 'read'],
    ['path', 'kv/a'],
    ['status', 0],
    ['requestId', ''],
    ['retryAfterMs', undefined],
    ['mayHaveHappened', false],
  ])
})

test("the server's own words are shown by serverErrors() and by nothing else", () => {
  const words = 'echo of hvs.PLANTED'
  const error = new errors.ServerError('ERR_PORTCULLIS_SERVER_FORBIDDEN', 'read of kv/a was forbidden', {
    operation: 'read',
    path: 'kv/a',
    status: 403,
    serverErrors: [words],
  })
  const seen = [
    inspect(error, { showHidden: true, depth: Infinity, getters: true }),
    JSON.stringify(error),
    String(error),
    error.stack,
    JSON.stringify(Object.getOwnPropertyDescriptors(error)),
    JSON.stringify({ ...error }),
    JSON.stringify(structuredClone(error)),
  ]
  assert.deepEqual(error.serverErrors(), [words])
  for (const text of seen) assert.equal(text?.includes('PLANTED'), false, text)
})
