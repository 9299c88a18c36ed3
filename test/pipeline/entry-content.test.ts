import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { callback } from '../../lib/audit/function-device.ts'
import { createGateway } from '../../lib/gateway.ts'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import type { Gateway } from '../../lib/model/gateway.ts'
import type { AuditOptions } from '../../lib/options/gateway.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { fixedRandom } from '../../lib/testing/fixed-random.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { checked } from '../support/checked-device.ts'
import { counting, foreign, type Handler, minting, ServerDouble } from './support.ts'

const HMAC = /^hmac-sha256:[0-9a-f]{64}$/
const CERT = { serial_number: '17:af', certificate: 'PEM', ca_chain: ['PEM'] }

const HANDLERS: Readonly<Record<string, Handler>> = {
  'write pki/issue/web': () => answerWith({ data: CERT }),
  'write kv/data/app': () => answerWith({ data: { version: 1 } }),
  'read kv/data/app': () =>
    answerWith({ data: { data: { owner: 'ada', password: 'p' }, metadata: { owner: 'deep' } } }),
  'list kv/metadata': () => answerWith({ data: { keys: ['a', 'b'], key_info: { a: { n: 'x' }, b: {} }, more: 'm' } }),
  'read kv/data/patients/4711': () => answerWith({ data: { a: 'x' } }),
  'read database/creds/app': minting(600_000),
  'write sys/leases/revoke': refuse(403) as Handler,
}

async function recorded(
  t: TestContext,
  audit: Partial<AuditOptions>,
  work: (gateway: Gateway) => Promise<unknown>,
): Promise<readonly AuditEntry[]> {
  const entries: AuditEntry[] = []
  const device = checked(callback('test', (entry) => void entries.push(entry as AuditEntry)))
  const gateway = await createGateway(
    {
      server: new ServerDouble(HANDLERS),
      auth: counting(),
      dangerouslyAllowEverything: true,
      audit: { devices: [device], ...audit },
    },
    { clock: new FakeClock(), random: fixedRandom(), telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  await work(gateway)
  return entries
}

test('fields named for a path are left in clear there, on the side that names them, and hashed elsewhere', async (t) => {
  const clear = [
    { path: 'pki/issue/*', request: ['common_name'] },
    { path: 'pki/+/web', response: ['serial_number', 'ca_chain'] },
  ]
  const body = { common_name: 'a.example', serial_number: 'mine', alt_names: 'b.example' }
  const [asked, answered] = await recorded(t, { clear }, (gateway) => gateway.write('pki/issue/web', body))
  assert.equal(asked?.request.data?.common_name, 'a.example')
  assert.match(String(asked?.request.data?.serial_number), HMAC)
  assert.match(String(asked?.request.data?.alt_names), HMAC)
  assert.equal(answered?.response?.data?.serial_number, '17:af')
  assert.deepEqual(answered?.response?.data?.ca_chain, ['PEM'])
  assert.match(String(answered?.response?.data?.certificate), HMAC)
  const elsewhere = await recorded(t, { clear: [{ path: 'pki/sign/*', request: ['common_name'] }] }, (gateway) =>
    gateway.write('pki/issue/web', body),
  )
  assert.match(String(elsewhere[0]?.request.data?.common_name), HMAC)
})

test('a field in clear is one at the top, or in the object data of KV v2; not deeper, and never an object', async (t) => {
  const clear = [{ path: 'kv/data/*', request: ['owner', 'data'], response: ['owner', 'data', 'metadata'] }]
  const data = { data: { owner: 'ada', password: 'p', inner: { owner: 'deep' } }, owner: 'top' }
  const entries = await recorded(t, { clear }, async (gateway) => {
    await gateway.write('kv/data/app', data)
    await gateway.read('kv/data/app')
  })
  const sent = entries[0]?.request.data as {
    owner: string
    data: Record<string, unknown> & { inner: { owner: string } }
  }
  assert.deepEqual([sent.owner, sent.data.owner], ['top', 'ada'])
  assert.match(String(sent.data.password), HMAC)
  assert.match(sent.data.inner.owner, HMAC)
  const got = entries.at(-1)?.response?.data as Record<'data' | 'metadata', Record<string, string>>
  assert.equal(got.data.owner, 'ada')
  assert.match(got.data.password ?? '', HMAC)
  assert.match(got.metadata.owner ?? '', HMAC)
})

test('a rule applies in the configured namespace, or in the one that it names', async (t) => {
  const body = { common_name: 'a.example' }
  const clear = [{ path: 'pki/issue/*', namespace: 'team-a/', request: ['common_name'] }]
  const [asked] = await recorded(t, { clear }, (gateway) => gateway.write('pki/issue/web', body))
  assert.match(String(asked?.request.data?.common_name), HMAC)
})

test('lists are counted on request, and nothing else of the answer is', async (t) => {
  const list = (gateway: Gateway): Promise<unknown> => gateway.list('kv/metadata')
  const counted = (await recorded(t, { elideLists: true }, list)).at(-1)?.response?.data
  assert.deepEqual([counted?.keys, counted?.key_info], [2, 2])
  assert.match(String(counted?.more), HMAC)
  const told = (await recorded(t, {}, list)).at(-1)?.response?.data as { keys: readonly string[] }
  assert.equal(told.keys.length, 2)
  assert.match(told.keys[0] ?? '', HMAC)
})

test('ids in paths are hashed on request: in entries, in errors and in events of leases', async (t) => {
  const hashPaths = ['kv/data/patients/+', 'kv/data/tenant-*', 'database/creds/+']
  const entries = await recorded(t, { hashPaths }, async (gateway) => {
    await gateway.read('kv/data/patients/4711')
    await assert.rejects(gateway.read('kv/data/tenant-0815/deep'))
    const lease = await gateway.lease('database/creds/app')
    await lease.close()
  })
  const text = JSON.stringify(entries)
  for (const id of ['4711', '0815', 'creds/app']) assert.ok(!text.includes(id), `${id} stands in clear`)
  const paths = foreign(entries).map(({ request }) => request.path)
  assert.match(paths[0] ?? '', /^kv\/data\/patients\/hmac-sha256:[0-9a-f]{64}$/)
  assert.ok(paths.some((path) => /^kv\/data\/tenant-hmac-sha256:[0-9a-f]{64}$/.test(path)))
  assert.ok(entries.some(({ error }) => error === 'ERR_PORTCULLIS_SERVER_NOT_FOUND'))
  const leaked = entries.find(({ event }) => event?.name === 'lease.leaked')
  assert.match(String(leaked?.event?.detail.path), /^database\/creds\/hmac-sha256:/)
})

test('what is no pattern, hides nothing or is misspelt is refused at the start, by its name', async () => {
  const start = (audit: object): Promise<unknown> =>
    createGateway({
      ...{ server: new ServerDouble(), auth: counting(), dangerouslyAllowEverything: true },
      audit: { devices: [callback('none', () => {})], ...audit },
    })
  const cases: readonly (readonly [object, RegExp])[] = [
    [{ clear: [{ path: '/kv/a', request: ['a'] }] }, /audit\.clear\[0\]\.path: a path has no leading slash/],
    [{ clear: [{ path: 'kv/a', requests: ['a'] }] }, /audit\.clear\[0\] has no option "requests"/],
    [{ clear: [{ request: ['a'] }] }, /audit\.clear\[0\]\.path must be a string/],
    [{ clear: [{ path: 'kv/a', request: 'a' }] }, /audit\.clear\[0\]\.request must be a list/],
    [{ clear: {} }, /audit\.clear must be a list/],
    [{ elideLists: 1 }, /audit\.elideLists must be true or false/],
    [{ hashPaths: ['kv/a'] }, /audit\.hashPaths\[0\] needs a "\+" or "\*"/],
    [{ hashPaths: ['kv/*/a'] }, /audit\.hashPaths\[0\]: "\*" stands for any rest/],
  ]
  for (const [audit, message] of cases) await assert.rejects(start(audit), { name: 'TypeError', message })
})
