import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { type AuditEntry, callback, type Gateway, token } from 'portcullis'
import { createGateway } from '../../lib/gateway.ts'
import { systemClock } from '../../lib/system/clock.ts'
import { type Bao, startBao } from '../support/bao.ts'
import { assertEntry } from '../support/entry-schema.ts'
import { realServersAbsent } from '../support/real-servers.ts'

const skip = await realServersAbsent()

const README = readFileSync(new URL('../../lib/policy/README.md', import.meta.url), 'utf8')
/** The policies that the document of the language shows, by name. */
const shown = new Map<string, object>(
  [...README.matchAll(/^```json\n(.*?)^```/gms)].map(([, text]) => {
    const document = JSON.parse(text ?? '')
    return [document.policy, document]
  }),
)

interface World {
  readonly gateway: Gateway
  readonly entries: AuditEntry[]
  readonly clock: { wallMs: number }
}

/** A gateway in front of `bao` whose wall clock shows what a test wants. */
async function open(t: TestContext, bao: Bao, policies: readonly unknown[]): Promise<World> {
  const entries: AuditEntry[] = []
  const clock = { wallMs: Date.parse('2026-03-02T09:00:00Z') }
  const gateway = await createGateway(
    {
      server: { address: bao.address },
      auth: token({ token: bao.rootToken }),
      policies: policies as readonly object[],
      caller: { service: 'orders' },
      audit: { devices: [callback('test', (entry) => void entries.push(entry as AuditEntry))] },
    },
    { clock: { ...systemClock, wallTime: () => clock.wallMs } },
  )
  t.after(() => gateway.close())
  return { gateway, entries, clock }
}

/** Policy, rule, and where and what a refusal is told of. */
async function refusal(refused: Promise<unknown>): Promise<readonly unknown[]> {
  try {
    await refused
  } catch (error) {
    const { decision } = error as { readonly decision: AuditEntry['decision'] }
    return [decision.reason, decision.policy, decision.rule, decision.pointer, decision.keyword].filter(Boolean)
  }
  assert.fail('it was refused')
}

test('the policies of the document hold a service and its users before a real server', { skip }, async (t) => {
  const bao = await startBao(t)
  const strict = {
    policy: 'next',
    mode: 'shadow',
    rules: [
      { id: 'short', path: 'secret/data/orders/theme', operations: ['write'], effect: 'deny' },
      { id: 'dark', path: 'secret/data/users/u-17/*', operations: ['*'], effect: 'forbid' },
    ],
  }
  const policies = ['users-of-orders', 'each-user', 'theme', 'orders'].map((name) => shown.get(name))
  const { gateway, entries, clock } = await open(t, bao, [...policies, strict])

  // A template holds a user to its own.
  const user = gateway.as({ user: 'u-17' })
  await user.kv().write('users/u-17/a', { color: 'green' })
  assert.deepEqual((await user.kv().read('users/u-17/a')).value, { color: 'green' })
  assert.deepEqual(await refusal(user.kv().read('users/u-18/a')), ['deny', 'each-user', 'others'])
  assert.deepEqual(await refusal(gateway.as({ user: 'u-17/../u-18' }).kv().read('users/u-17/a')), [
    ...['deny', 'each-user', 'others'],
  ])

  // The nested data of KV v2 is judged, and what was judged is what the server stores.
  await gateway.kv().write('orders/theme', { color: 'blue' })
  assert.deepEqual((await gateway.kv().read('orders/theme')).value, { color: 'blue' })
  const red = gateway.kv().write('orders/theme', { color: 'red' })
  assert.deepEqual(await refusal(red), ['request-schema', 'theme', 'rule-0', '/data/data/color', 'enum'])
  const listed = gateway.read('secret/data/orders/theme', { query: { version: 'x' } })
  assert.deepEqual(await refusal(listed), ['request-schema', 'theme', 'rule-1', '/query/version', 'pattern'])
  assert.deepEqual((await gateway.kv().read('orders/theme')).value, { color: 'blue' })

  // A window is open on Monday at 10:00 in Zurich, and shut at 18:00.
  await bao.root('POST', 'secret/data/deploy', { data: { key: 'planted' } })
  assert.equal((await gateway.read('secret/data/deploy')).source, 'server')
  clock.wallMs = Date.parse('2026-03-02T17:00:00Z')
  assert.deepEqual(await refusal(gateway.read('secret/data/deploy')), ['when', 'orders', 'deploy', 'when'])

  // The shadow policy stopped nothing, and is on record.
  const differing = entries.filter(({ type, decision, shadow }) => {
    return type === 'request' && shadow !== undefined && shadow.effect !== decision.effect
  })
  assert.deepEqual(
    differing.map(({ request, shadow }) => `${request.operation} ${request.path}: ${shadow?.rule}`),
    [
      'write secret/data/users/u-17/a: dark',
      'read secret/data/users/u-17/a: dark',
      'write secret/data/orders/theme: short',
    ],
  )
  for (const entry of entries) assertEntry(entry)
  assert.ok(!JSON.stringify(entries).includes('planted'))
})
