import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callback } from '../../lib/audit/function-device.ts'
import { createGateway } from '../../lib/gateway.ts'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { assertEntry } from '../support/entry-schema.ts'
import { allow, counting, foreign, minting, open, readable, ServerDouble } from './support.ts'

const shadow = (rules: readonly object[]): object => ({ policy: 'next', mode: 'shadow', rules })
const HANDLERS = {
  'read kv/a': answerWith({ data: { x: 1 } }),
  'read kv/b': answerWith({ data: { y: 1 } }),
  'read database/creds/app': minting(60_000),
}

/** `type effect:reason shadow effect:reason` of entries. */
function said(entries: readonly AuditEntry[]): readonly string[] {
  return foreign(entries).map((entry) => {
    assertEntry(entry)
    const { type, decision, shadow: would } = entry
    return `${type} ${decision.effect}:${decision.reason} shadow ${would?.effect}:${would?.reason}`
  })
}

test('what shadow policies would decide stands in the entries, and changes nothing', async (t) => {
  const forbid = { id: 'no-b', path: 'kv/b', operations: ['*'], effect: 'forbid' }
  const policies = [allow('kv/+', ['read']), shadow([forbid, { ...forbid, id: 'c', path: 'kv/c', effect: 'allow' }])]
  const { gateway, entries } = await open(t, { policies, handlers: HANDLERS })
  assert.equal((await gateway.read('kv/a')).decision.shadow?.effect, 'allow')
  assert.equal((await gateway.read('kv/b')).decision.shadow?.rule, 'no-b')
  await assert.rejects(gateway.delete('kv/c'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  assert.deepEqual(said(entries), [
    'request allow:rule shadow allow:rule',
    'response allow:rule shadow allow:rule',
    'request allow:rule shadow deny:forbid',
    'response allow:rule shadow deny:forbid',
    'request deny:operation shadow allow:rule',
  ])
  assert.deepEqual(foreign(entries)[2]?.shadow, { effect: 'deny', reason: 'forbid', policy: 'next', rule: 'no-b' })
})

test('an answer that shadow policies would withhold is handed over, and the entry says so', async (t) => {
  const strict = shadow([
    readable('kv/a', { response: { required: ['y'] } }),
    readable('database/creds/app', { response: { required: ['token'] } }),
  ])
  const policies = [
    { policy: 'p', rules: [readable('kv/*', { id: 'kv' }), readable('database/*', { id: 'db' })] },
    strict,
  ]
  const { gateway, entries } = await open(t, { policies, handlers: HANDLERS, leases: { verifyAfterMs: Infinity } })
  assert.deepEqual((await gateway.read('kv/a')).data, { x: 1 })
  await gateway.read('database/creds/app')
  assert.equal((await gateway.read('database/creds/app')).source, 'cache')
  assert.deepEqual(said(entries), [
    'request allow:rule shadow allow:rule',
    'response allow:rule shadow deny:response-schema',
    'request allow:rule shadow allow:rule',
    'response allow:rule shadow deny:response-schema',
    'response allow:rule shadow deny:response-schema',
  ])
  assert.equal(foreign(entries)[1]?.shadow?.keyword, 'required')
})

test('an answer that is withheld keeps its shadow', async (t) => {
  const policies = [
    { policy: 'p', rules: [readable('kv/a', { response: { required: ['y'] } })] },
    shadow([readable('kv/b')]),
  ]
  const { gateway, entries } = await open(t, { policies, handlers: HANDLERS })
  await assert.rejects(gateway.read('kv/a'), { code: 'ERR_PORTCULLIS_POLICY_RESPONSE' })
  assert.equal(said(entries)[1], 'response deny:response-schema shadow deny:response-schema')
})

test('before a first policy is enforced, shadow policies are tried beside dangerouslyAllowEverything', async (t) => {
  const policies = [shadow([readable('kv/a')])]
  const { gateway, entries } = await open(t, { policies, dangerouslyAllowEverything: true, handlers: HANDLERS })
  await gateway.read('kv/a')
  await gateway.read('kv/b')
  assert.deepEqual(
    said(entries).filter((each) => each.startsWith('request')),
    ['request allow:unrestricted shadow allow:rule', 'request allow:unrestricted shadow deny:no-rule'],
  )
  await assert.rejects(open(t, { policies: [...policies, allow('a', ['read'])], dangerouslyAllowEverything: true }), {
    name: 'TypeError',
    message:
      'dangerouslyAllowEverything and policies contradict each other: give one, or policies of "mode": "shadow" alone',
  })
  await assert.rejects(gateway.reloadPolicies([allow('a', ['read'])]), { name: 'TypeError' })
})

test('decisions are counted with the effect of their shadow', async (t) => {
  const counts: string[] = []
  const telemetry = {
    ...NO_TELEMETRY,
    count(name: string, attributes: object): void {
      if (name === 'portcullis.policy.decisions') counts.push(Object.values(attributes).join(' '))
    },
  }
  const forbid = { path: 'kv/b', operations: ['*'], effect: 'forbid' }
  const gateway = await createGateway(
    {
      server: new ServerDouble({ ...HANDLERS, 'write auth/token/revoke-self': answerWith({ status: 204 }) }),
      auth: counting(),
      policies: [allow('kv/+', ['read']), { ...shadow([forbid]), subject: { required: ['user'] } }],
      audit: { devices: [callback('test', () => {})] },
    },
    { clock: new FakeClock(), random: fixedRandom(), telemetry, environment: {} },
  )
  t.after(() => gateway.close())
  await gateway.read('kv/b')
  await gateway.as({ user: 'u' }).read('kv/b')
  await assert.rejects(gateway.as({ user: 'u' }).delete('kv/b'))
  assert.deepEqual(counts, ['allow rule', 'allow rule deny', 'deny operation deny'])
})
