import assert from 'node:assert/strict'
import test from 'node:test'
import { PolicyDeniedError } from 'portcullis'
import { realServersAbsent } from '../support/real-servers.ts'
import { allowing, openGateway, startAuditedBao } from './real.ts'

const skip = await realServersAbsent()

const ATTACKS = [
  'kv/data/app/../../../sys/policies/acl/root',
  'kv/data/app/..',
  'kv/data/./app',
  '../sys/mounts',
  './sys/mounts',
  'kv//data/app',
  '/kv/data/app',
  'kv/data//',
  '',
  'kv/data/app\u0000',
  'kv/data/app\n',
  'kv/data/a\u0085b',
  'kv/data/\ud800',
  'kv/data/app\u007f',
  `kv/data/${'x'.repeat(5_000)}`,
]

// Each is one legal name of its own; the last two look the same and are not.
const ODD_NAMES = [
  'a?b',
  'a#b',
  'a%2e%2e',
  '%2e%2e',
  'a%b',
  'a%2Fb',
  'a\\b',
  'a..b',
  '..a',
  'a+b',
  '+',
  'a*',
  'a b',
  ' lead',
  'trail ',
  'a&b=c',
  "quote'd",
  '"double"',
  'a;b',
  'a:b',
  '日本',
  '🔑',
  'caf\u00e9',
  'cafe\u0301',
]

test('row i: attack forms of a path are refused before anything is sent, and recorded', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  const { gateway, entries } = await openGateway(t, bao)
  const before = bao.requests().length

  for (const path of ATTACKS) {
    await assert.rejects(gateway.read(path), { code: 'ERR_PORTCULLIS_PATH_REFUSED' }, JSON.stringify(path))
    await assert.rejects(gateway.write(path, { a: 1 }), { code: 'ERR_PORTCULLIS_PATH_REFUSED' }, JSON.stringify(path))
  }

  assert.equal(bao.requests().length, before)
  const refused = entries().filter(({ decision }) => decision.reason === 'path')
  assert.equal(refused.length, 2 * ATTACKS.length)
})

for (const version of ['1', '2']) {
  test(`row i: legal odd names are written and read back, each apart, on KV v${version}`, { skip }, async (t) => {
    const bao = await startAuditedBao(t)
    await bao.root('POST', 'sys/mounts/odd', { type: 'kv', options: { version } })
    const { gateway } = await openGateway(t, bao)
    const kv = gateway.kv('odd')

    for (const [at, name] of ODD_NAMES.entries()) await kv.write(name, { at })
    for (const [at, name] of ODD_NAMES.entries()) assert.deepEqual({ ...(await kv.read(name)).value }, { at }, name)

    assert.deepEqual([...(await kv.list())].sort(), [...ODD_NAMES].sort())
    assert.equal(await kv.version(), Number(version))
  })
}

test('a policy on one odd name does not cover its look-alikes', { skip }, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', 'sys/mounts/odd', { type: 'kv' })
  const { gateway } = await openGateway(t, bao, {
    policies: [allowing(['odd/caf\u00e9', 'odd/a%2Fb'], ['read', 'write'])],
  })

  await gateway.write('odd/caf\u00e9', { ok: true })
  await gateway.write('odd/a%2Fb', { ok: true })

  for (const path of ['odd/cafe\u0301', 'odd/a/b', 'odd/a%252Fb', 'odd/CAF\u00c9']) {
    await assert.rejects(gateway.read(path), PolicyDeniedError, path)
  }
})

test('a namespace is reached by name only: not through the path, and not when it is not configured', {
  skip,
}, async (t) => {
  const bao = await startAuditedBao(t)
  await bao.root('POST', 'sys/namespaces/team-a')
  const { gateway } = await openGateway(t, bao, {
    server: { address: bao.address, namespaces: ['team-a'] },
  })
  const before = bao.requests().length

  await assert.rejects(gateway.read('team-a/sys/mounts'), { code: 'ERR_PORTCULLIS_PATH_REFUSED' })
  await assert.rejects(gateway.read('sys/mounts', { namespace: 'team-b' }), {
    code: 'ERR_PORTCULLIS_NAMESPACE_REFUSED',
  })
  await assert.rejects(gateway.read('sys/mounts', { namespace: 'team-a/' }), {
    code: 'ERR_PORTCULLIS_NAMESPACE_REFUSED',
  })
  assert.equal(bao.requests().length, before)

  const answer = await gateway.read('sys/mounts', { namespace: 'team-a' })
  assert.ok('cubbyhole/' in answer.data)
})
