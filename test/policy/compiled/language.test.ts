import assert from 'node:assert/strict'
import { test } from 'node:test'
import { resolveGateway } from '../../../lib/options/gateway.ts'
import { compilePolicies } from '../../../lib/policy/compiled/compile.ts'
import { loadCompiled } from '../../../lib/policy/compiled/compiler.ts'
import { createPolicyEngine, type PolicyEngine } from '../../../lib/policy/engine.ts'
import { allow, caller, request } from '../support.ts'

const clock = { wallTime: () => Date.parse('2026-03-01T12:00:00Z') }
const DOCUMENTS = [
  {
    policy: 'p',
    rules: [
      allow('kv/{{caller.user}}/*', ['read']),
      allow('kv/day', ['read'], { when: [{ days: ['mon'], timeZone: 'Europe/Zurich' }] }),
    ],
  },
  { policy: 'next', mode: 'shadow', rules: [allow('kv/day', ['read'])] },
]

async function moduleOf(documents: readonly object[]): Promise<Parameters<typeof loadCompiled>[0]> {
  const text = await compilePolicies(documents.map((document, at) => ({ file: `p${at}.json`, document })))
  return (await import(`data:text/javascript,${encodeURIComponent(text)}`)).default
}

async function engines(): Promise<readonly PolicyEngine[]> {
  const policies = await moduleOf(DOCUMENTS)
  const compiler = await loadCompiled(policies)
  return Promise.all([
    createPolicyEngine(policies.documents, { namespace: '', clock }),
    createPolicyEngine(policies.documents, { namespace: '', clock, compiler }),
  ])
}

test('templates, windows and shadow policies come along when policies are compiled', async () => {
  const [one, other] = await engines()
  const who = caller({ user: 'u-1' })
  const said = ['kv/u-1/a', 'kv/u-2/a', 'kv/day'].map((path) => {
    const [here, there] = [one, other].map((engine) => engine?.explain(who, request('read', path)))
    assert.deepEqual(there, here)
    return [there?.decision.reason, there?.decision.shadow?.effect]
  })
  assert.deepEqual(said, [
    ['rule', 'allow'],
    ['no-rule', 'deny'],
    ['when', 'allow'],
  ])
})

test('compiled policies of mode shadow alone may stand beside dangerouslyAllowEverything', async () => {
  const device = { name: 'd', open: async () => {}, write: () => {}, close: async () => {} }
  const resolve = async (documents: readonly object[]): Promise<unknown> =>
    resolveGateway(
      {
        server: { address: 'http://127.0.0.1:8200' },
        auth: { method: 'none', login: async () => ({}) as never },
        policies: await moduleOf(documents),
        dangerouslyAllowEverything: true,
        audit: { devices: [{ device, required: true, timeoutMs: 1000, queueSize: 10 }] },
      },
      {},
    )
  await assert.doesNotReject(resolve(DOCUMENTS.slice(1)))
  await assert.rejects(resolve(DOCUMENTS), /contradict each other/)
})
