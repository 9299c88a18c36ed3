import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendReply } from '../../../lib/model/backend.ts'
import { authOf, type Script, said, secretOf } from '../router/scripted-plugins.ts'
import { world } from '../router/world.ts'

/** What a plugin answers beside a secret that no caller can be told as a lease; by what is asked. */
const ODD: Readonly<Record<string, () => BackendReply>> = {
  'an unauthenticated path': () => said({}, { secret: secretOf() }),
  'a login beside it': () => said({}, { secret: secretOf(), auth: authOf() }),
  'an error response': () => said({ error: 'no' }, { secret: secretOf() }),
  'an error response with data': () => said({ error: 'no', data: {} }, { secret: secretOf() }),
  'an error': () => ({ ...said({}, { secret: secretOf() }), error: { kind: 'other', message: 'no', status: 0 } }),
  'data that is no JSON': () => ({ response: { ...said({}, { secret: secretOf() }).response, data: '[' } }) as never,
  'an odd raw status': () => said({ http_status_code: 999 }, { secret: secretOf() }),
  'a time of less than none': () => said({}, { secret: secretOf({ ttlMs: -1000 }) }),
}

for (const [what, reply] of Object.entries(ODD)) {
  test(`a secret that comes with ${what} is given back to its plugin`, async (t) => {
    const tf: Script = {
      specialPaths: what === 'an unauthenticated path' ? { unauthenticated: ['creds'] } : {},
      handle: ({ operation }) => (operation === 'read' ? reply() : {}),
    }
    const it = await world(t, { tf }, { mounts: { tf: { type: 'tf' } } })
    await it.ask('read', 'tf/creds').catch(() => undefined)
    await it.clock.advance(0)
    const leases = it.host.operator.leases()
    assert.equal(it.plugins.of('revoke').length + leases.length, 1)
    assert.equal(it.plugins.of('revoke')[0]?.secret?.internalData, '{"secret_type":"cred"}')
  })
}

test('a secret that comes with a raw answer is leased, and ends with the token that read it', async (t) => {
  const raw = { http_status_code: 200, http_content_type: 'text/plain', http_raw_body: 'key' }
  const tf: Script = { handle: ({ operation }) => (operation === 'read' ? said(raw, { secret: secretOf() }) : {}) }
  const it = await world(t, { tf }, { mounts: { tf: { type: 'tf' } } })
  assert.equal((await it.ask('read', 'tf/creds')).status, 200)
  assert.equal(it.host.operator.leases().length, 1)
  await it.ask('write', 'auth/token/revoke-self')
  await it.clock.advance(0)
  assert.equal(it.plugins.of('revoke').length, 1)
})

test('a secret that comes with a list of nothing, or with help, is given back', async (t) => {
  const tf: Script = {
    handle: ({ operation }) => (operation === 'revoke' ? {} : said({ keys: [] }, { secret: secretOf() })),
  }
  const it = await world(t, { tf }, { mounts: { tf: { type: 'tf' } } })
  assert.match(await it.refusal('list', 'tf/creds'), /^404/)
  await it.ask('read', 'tf/creds', { query: { help: '1' } })
  await it.clock.advance(0)
  assert.equal(it.plugins.of('revoke').length, 2)
  assert.deepEqual(it.host.operator.leases(), [])
})
