import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { allow, open } from '../pipeline/support.ts'

const ALL = { dangerouslyAllowEverything: true }
const mount = (version: string, path = 'secret/') => answerWith({ data: { path, type: 'kv', options: { version } } })
const V2 = { 'read sys/internal/ui/mounts/secret': mount('2') }
const V1 = { 'read sys/internal/ui/mounts/secret': mount('1') }
const DONE = answerWith({ status: 204 })

test('kv v2 reads below data/ and gives value and metadata', async (t) => {
  const metadata = { version: 3, created_time: 'then', deletion_time: '', destroyed: false }
  const { gateway, server } = await open(t, {
    ...ALL,
    handlers: { ...V2, 'read secret/data/a': answerWith({ data: { data: { a: 1 }, metadata } }) },
  })
  const { value, metadata: found } = await gateway.kv().read('a', { version: 3 })
  assert.deepEqual(value, { a: 1 })
  assert.deepEqual(found, { version: 3, createdTime: 'then', deletionTime: '', isDestroyed: false })
  assert.deepEqual({ ...server.requests.at(-1)?.query }, { version: '3' })
})

test('kv v1 reads the name itself', async (t) => {
  const { gateway } = await open(t, { ...ALL, handlers: { ...V1, 'read secret/a': answerWith({ data: { a: 1 } }) } })
  const { value, metadata } = await gateway.kv().read('a')
  assert.deepEqual([value, metadata], [{ a: 1 }, undefined])
})

test('a deleted version has no value, and its metadata', async (t) => {
  const data = { data: null, metadata: { version: 1, destroyed: true } }
  const { gateway } = await open(t, {
    ...ALL,
    handlers: { ...V2, 'read secret/data/a': answerWith({ status: 404, data }) },
  })
  const { value, metadata } = await gateway.kv().read('a')
  assert.equal(value, undefined)
  assert.equal(metadata?.isDestroyed, true)
})

test('what only KV v2 can is refused on v1, and nothing is sent', async (t) => {
  const { gateway, server } = await open(t, { ...ALL, handlers: V1 })
  const kv = gateway.kv()
  await assert.rejects(kv.patch('a', {}), TypeError)
  await assert.rejects(kv.undelete('a', [1]), TypeError)
  await assert.rejects(kv.destroy('a', [1]), TypeError)
  await assert.rejects(kv.write('a', {}, { cas: 1 }), TypeError)
  await assert.rejects(kv.read('a', { version: 1 }), TypeError)
  assert.deepEqual(new Set(server.sent()), new Set(['read sys/internal/ui/mounts/secret']))
})

test('kv v2 writes, lists, deletes, undeletes and destroys where the server expects it', async (t) => {
  const { gateway, server } = await open(t, {
    ...ALL,
    handlers: {
      ...V2,
      'write secret/data/a': DONE,
      'list secret/metadata/': answerWith({ data: { keys: ['a'] } }),
      'list secret/metadata/f/': answerWith({ data: { keys: ['b'] } }),
      'delete secret/data/a': DONE,
      'write secret/undelete/a': DONE,
      'write secret/destroy/a': DONE,
    },
  })
  const kv = gateway.kv()
  await kv.write('a', { x: 1 }, { cas: 0 })
  assert.equal(server.requests.at(-1)?.body, '{"data":{"x":1},"options":{"cas":0}}')
  assert.deepEqual(await kv.list(), ['a'])
  assert.deepEqual(await kv.list('f'), ['b'])
  await kv.delete('a')
  await kv.undelete('a', [1])
  await kv.destroy('a', [1])
  assert.equal(server.requests.at(-1)?.body, '{"versions":[1]}')
})

for (const name of ['../metadata/a', '/a', 'a//b', '', '.']) {
  test(`kv().read(${JSON.stringify(name)}) cannot leave the mount`, async (t) => {
    const { gateway, server } = await open(t, { ...ALL, handlers: V2 })
    await assert.rejects(gateway.kv().read(name))
    assert.equal(server.requests.filter(({ path }) => !path.startsWith('sys/') && path !== 'secret/data/').length, 0)
  })
}

for (const name of ['../../../secret/data/a', 'a//b', '', '/secret', 'a/./b']) {
  test(`a mount named ${JSON.stringify(name)} is not asked about`, async (t) => {
    const { gateway, server } = await open(t, { ...ALL })
    await assert.rejects(gateway.kv(name).version(), { code: 'ERR_PORTCULLIS_PATH_REFUSED' })
    assert.deepEqual(server.sent(), [])
  })
}

test('a view is judged by policy like any call', async (t) => {
  const { gateway } = await open(t, { policies: [allow('secret/data/b', ['read'])], handlers: V2 })
  await assert.rejects(gateway.kv().read('a'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
})

test('transit carries bytes both ways', async (t) => {
  const bytes = new Uint8Array([0, 255, 10])
  const { gateway, server } = await open(t, {
    ...ALL,
    handlers: {
      'write transit/encrypt/k': answerWith({ data: { ciphertext: 'vault:v1:x' } }),
      'write transit/decrypt/k': answerWith({ data: { plaintext: 'AP8K' } }),
      'write transit/verify/k': answerWith({ data: { valid: 'true' } }),
    },
  })
  const transit = gateway.transit()
  assert.equal(await transit.encrypt('k', bytes), 'vault:v1:x')
  assert.equal(server.requests.at(-1)?.body, '{"plaintext":"AP8K"}')
  assert.deepEqual(await transit.decrypt('k', 'vault:v1:x'), Buffer.from(bytes))
  assert.equal(await transit.verify('k', bytes, 'sig'), false)
})

test('an answer of another kind of mount is a coded error', async (t) => {
  const { gateway } = await open(t, {
    ...ALL,
    handlers: { 'read database/creds/app': answerWith({ data: { other: 1 } }), 'read pki/ca/pem': DONE },
  })
  const code = { code: 'ERR_PORTCULLIS_SERVER_BAD_ANSWER' }
  await assert.rejects(gateway.database().credentials('app'), code)
  await assert.rejects(gateway.pki().ca(), code)
})

test('pki gives the CA as text and a certificate with its end', async (t) => {
  const raw = { contentType: 'application/pem', bytes: Buffer.from('-----BEGIN') }
  const data = {
    certificate: 'c',
    private_key: 'k',
    issuing_ca: 'i',
    ca_chain: ['i', 5],
    serial_number: '1',
    expiration: 10,
  }
  const { gateway } = await open(t, {
    ...ALL,
    handlers: { 'read pki/ca/pem': { ...answerWith(), raw }, 'write pki/issue/web': answerWith({ data }) },
  })
  assert.equal(await gateway.pki().ca(), '-----BEGIN')
  const { expiresAtMs, caChain } = await gateway.pki().issue('web', { common_name: 'a.example' })
  assert.deepEqual([expiresAtMs, caChain], [10_000, ['i']])
})
