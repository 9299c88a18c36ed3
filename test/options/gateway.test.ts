import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callback } from '../../lib/audit/function-device.ts'
import { type GatewayOptions, resolveGateway } from '../../lib/options/gateway.ts'
import { counting, ServerDouble } from '../pipeline/support.ts'

const DEVICE = callback('test', () => {})
const GOOD: GatewayOptions = { server: new ServerDouble(), auth: counting(), audit: { devices: [DEVICE] } }

test('what is left out has the documented default', () => {
  const { maxEntries, maxInFlight, policies, unrestricted, auditKey, namespaces } = resolveGateway(GOOD, {})
  assert.deepEqual(
    { maxEntries, maxInFlight, policies, unrestricted, auditKey, namespaces },
    {
      maxEntries: 1_000,
      maxInFlight: 10_000,
      policies: { documents: [] },
      unrestricted: false,
      auditKey: { generated: true },
      namespaces: [''],
    },
  )
})

test('a config is frozen', () => assert.ok(Object.isFrozen(resolveGateway(GOOD, {}))))

for (const [name, wrong] of [
  ['an unknown option', { polices: [] }],
  ['no auth method', { auth: undefined }],
  ['a string as auth', { auth: 'hunter2' }],
  ['an auth method without a name', { auth: { login: async () => {} } }],
  ['no devices', { audit: { devices: [] } }],
  ['no audit', { audit: undefined }],
  ['a device that is none', { audit: { devices: [{}] } }],
  ['an unknown option of the audit', { audit: { devices: [DEVICE], keys: 1 } }],
  ['a key as a string', { audit: { devices: [DEVICE], key: 'hunter2hunter2hunter2' } }],
  ['a short key', { audit: { devices: [DEVICE], key: new Uint8Array(15) } }],
  ['key and keyFile', { audit: { devices: [DEVICE], key: new Uint8Array(16), keyFile: '/f' } }],
  ['an empty folder of policies', { policies: '' }],
  ['one policy that is no list', { policies: {} }],
  ['policies beside dangerouslyAllowEverything', { policies: [], dangerouslyAllowEverything: true }],
  ['dangerouslyAllowEverything as a word', { dangerouslyAllowEverything: 'true' }],
  ['a cache without entries', { cache: { maxEntries: 0 } }],
  ['an unknown option of the cache', { cache: { max: 5 } }],
  ['half a call in flight', { maxInFlight: 1.5 }],
  ['no call in flight', { maxInFlight: 0 }],
  ['a caller that is a list', { caller: ['a'] }],
] as const) {
  test(`${name} is refused, and no value shown`, () => {
    assert.throws(
      () => resolveGateway({ ...GOOD, ...wrong } as never, {}),
      (error: Error) =>
        (error instanceof TypeError || error instanceof RangeError) && !error.message.includes('hunter2'),
    )
  })
}
