import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { test } from 'node:test'
import type { JsonObject } from 'portcullis/plugin'
import { transit } from '../../../../lib/plugin/builtin/transit/plugin.ts'
import { createMemoryHost, type PluginUnderTest, testPlugin } from '../../../../lib/plugin/testing/index.ts'

const TYPES = ['aes128-gcm96', 'aes256-gcm96', 'chacha20-poly1305'] as const
const b64 = (text: string): string => Buffer.from(text).toString('base64')

/** Numbers that are the same in each run. */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0
    return state % below
  }
}

async function data(mounted: PluginUnderTest, path: string, body: JsonObject = {}): Promise<JsonObject> {
  const { status, data: found, errors } = await mounted.request('write', path, body)
  assert.equal(status, 200, `${path}: ${errors.join()}`)
  return found ?? {}
}

async function status(mounted: PluginUnderTest, path: string, body: JsonObject): Promise<number> {
  return (await mounted.request('write', path, body)).status
}

test('what was encrypted is decrypted, over versions, contexts and associated data', async () => {
  const mounted = await testPlugin(transit)
  for (const [at, type] of TYPES.entries())
    for (const derived of [false, true]) {
      const next = numbers(at * 2 + Number(derived) + 1)
      const name = `${type}-${derived}`
      await data(mounted, `keys/${name}`, { type, derived, convergent_encryption: derived && at === 1 })
      const made: { readonly version: number; readonly plaintext: string; readonly body: JsonObject }[] = []
      let latest = 1
      let oldest = 1
      for (let round = 0; round < 150; round += 1) {
        const choice = next(10)
        if (choice === 0) latest = Number((await data(mounted, `keys/${name}/rotate`)).latest_version)
        else if (choice === 1) {
          oldest = 1 + next(latest)
          await data(mounted, `keys/${name}/config`, { min_decryption_version: oldest })
        } else {
          const plaintext = Buffer.from(Array.from({ length: next(70) }, () => next(256))).toString('base64')
          const key_version = oldest + next(latest - oldest + 1)
          const bound = {
            ...(derived ? { context: b64(`tenant-${next(3)}`) } : {}),
            ...(next(2) === 0 ? {} : { associated_data: b64(`aad-${next(3)}`) }),
          }
          const encrypted = await data(mounted, `encrypt/${name}`, { plaintext, key_version, ...bound })
          assert.equal(encrypted.key_version, key_version)
          made.push({ version: key_version, plaintext, body: { ciphertext: String(encrypted.ciphertext), ...bound } })
        }
      }
      for (const { version, plaintext, body } of made) {
        const isOld = version < oldest
        assert.equal(await status(mounted, `decrypt/${name}`, body), isOld ? 400 : 200)
        if (isOld) continue
        assert.equal((await data(mounted, `decrypt/${name}`, body)).plaintext, plaintext)
        assert.equal(await status(mounted, `decrypt/${name}`, { ...body, associated_data: b64('other') }), 400)
        if (derived) assert.equal(await status(mounted, `decrypt/${name}`, { ...body, context: b64('other') }), 400)
        const rewrapped = body.associated_data === undefined ? await data(mounted, `rewrap/${name}`, body) : undefined
        if (rewrapped === undefined) continue
        assert.equal(rewrapped.key_version, latest)
        const again = await data(mounted, `decrypt/${name}`, { ...body, ciphertext: String(rewrapped.ciphertext) })
        assert.equal(again.plaintext, plaintext)
      }
    }
})

test('a ciphertext with any bit changed is refused', async () => {
  const mounted = await testPlugin(transit)
  for (const type of TYPES) {
    await data(mounted, `keys/${type}`, { type })
    const { ciphertext } = await data(mounted, `encrypt/${type}`, { plaintext: b64('hello') })
    const bytes = Buffer.from(String(ciphertext).slice('vault:v1:'.length), 'base64')
    for (let bit = 0; bit < bytes.length * 8; bit += 1) {
      const changed = Buffer.from(bytes)
      changed[bit >> 3] = (changed[bit >> 3] ?? 0) ^ (1 << (bit & 7))
      const sent = { ciphertext: `vault:v1:${changed.toString('base64')}` }
      assert.equal(await status(mounted, `decrypt/${type}`, sent), 400)
    }
    for (let length = 0; length < bytes.length; length += 1) {
      const sent = { ciphertext: `vault:v1:${bytes.subarray(0, length).toString('base64')}` }
      assert.equal(await status(mounted, `decrypt/${type}`, sent), 400)
    }
  }
})

test('a batch is answered in its order, and one that fails takes no other with it', async () => {
  const mounted = await testPlugin(transit)
  const next = numbers(7)
  const items = Array.from({ length: 200 }, (_, at) => ({
    plaintext: next(5) === 0 ? '!' : b64(`message ${at}`),
    reference: `r${at}`,
  }))
  const encrypted = await mounted.request('write', 'encrypt/app', { batch_input: items })
  assert.equal(encrypted.status, 400)
  const results = encrypted.data?.batch_results as readonly JsonObject[]
  assert.deepEqual(
    results.map(({ reference, error }) => [reference, error === undefined]),
    items.map(({ plaintext, reference }) => [reference, plaintext !== '!']),
  )
  const good = results.filter(({ error }) => error === undefined)
  const batch_input = good.map(({ ciphertext, reference }) => ({
    ciphertext: String(ciphertext),
    reference: String(reference),
  }))
  const decrypted = (await data(mounted, 'decrypt/app', { batch_input })).batch_results as readonly JsonObject[]
  for (const { plaintext, reference } of decrypted)
    assert.equal(plaintext, items.find((item) => item.reference === reference)?.plaintext)
  assert.equal(decrypted.length, good.length)
})

test('the same message converges on one ciphertext; another context, message, version or associated data on another', async () => {
  const mounted = await testPlugin(transit)
  await data(mounted, 'keys/c', { derived: true, convergent_encryption: true })
  const body = { plaintext: b64('hello'), context: b64('a'), associated_data: b64('x') }
  const nonceOf = async (more: JsonObject): Promise<string> => {
    const { ciphertext } = await data(mounted, 'encrypt/c', { ...body, ...more })
    return Buffer.from(String(ciphertext).replace(/^vault:v\d+:/, ''), 'base64')
      .subarray(0, 12)
      .toString('hex')
  }
  const first = await nonceOf({})
  assert.equal(await nonceOf({}), first)
  const others = [
    { plaintext: b64('other') },
    { context: b64('b') },
    { associated_data: b64('y') },
    { associated_data: '' },
  ]
  const nonces = new Set([first])
  for (const other of others) nonces.add(await nonceOf(other))
  await data(mounted, 'keys/c/rotate')
  nonces.add(await nonceOf({}))
  assert.equal(nonces.size, 6)
})

test('keys outlive the process, and what changes behind it is seen once it is told', async () => {
  const host = createMemoryHost()
  const one = await testPlugin(transit, { host })
  const two = await testPlugin(transit, { host })
  const { ciphertext } = await data(one, 'encrypt/app', { plaintext: b64('hello') })
  assert.equal((await data(two, 'decrypt/app', { ciphertext: String(ciphertext) })).plaintext, b64('hello'))
  await data(one, 'keys/app/rotate')
  const encrypted = await data(one, 'encrypt/app', { plaintext: b64('hello') })
  assert.equal(await status(two, 'decrypt/app', { ciphertext: String(encrypted.ciphertext) }), 400)
  await two.invalidate('keys/app')
  assert.equal(await status(two, 'decrypt/app', { ciphertext: String(encrypted.ciphertext) }), 200)
  await data(one, 'keys/app/config', { deletion_allowed: true })
  assert.equal((await one.request('delete', 'keys/app')).status, 204)
  await two.invalidate('keys/app')
  assert.equal(await status(two, 'decrypt/app', { ciphertext: String(ciphertext) }), 400)
})

test('many who change a key at once each change it', async () => {
  const mounted = await testPlugin(transit)
  await Promise.all(Array.from({ length: 20 }, () => data(mounted, 'encrypt/app', { plaintext: '' })))
  await Promise.all(Array.from({ length: 20 }, () => data(mounted, 'keys/app/rotate')))
  const { data: key } = await mounted.request('read', 'keys/app')
  assert.equal(key?.latest_version, 21)
  assert.equal(Object.keys(key?.keys as JsonObject).length, 21)
})

test('nothing of a key is told, but where it is exportable', async () => {
  const mounted = await testPlugin(transit)
  await data(mounted, 'keys/app')
  const stored = JSON.parse(Buffer.from(mounted.storage.get('keys/app') ?? []).toString()) as {
    readonly versions: Readonly<Record<string, { readonly material: string; readonly hmacKey: string }>>
  }
  const { material = '', hmacKey = '' } = stored.versions['1'] ?? {}
  assert.equal(Buffer.from(material, 'base64').length, 32)
  const asked = [
    await mounted.request('read', 'keys/app'),
    await mounted.request('read', 'export/encryption-key/app'),
    await mounted.request('read', 'export/hmac-key/app'),
    await mounted.request('write', 'keys/app/rotate'),
    await mounted.request('write', 'decrypt/app', { ciphertext: 'vault:v1:AAAA' }),
  ]
  const told = JSON.stringify([asked, mounted.logged])
  assert.ok(!told.includes(material) && !told.includes(hmacKey))
  assert.equal(asked[1]?.status, 400)
})

test('keys that are due are rotated by the periodic work', async (t) => {
  t.mock.timers.enable({ apis: ['Date'], now: Date.now() })
  const mounted = await testPlugin(transit)
  await data(mounted, 'keys/app', { auto_rotate_period: '2h' })
  await data(mounted, 'keys/still')
  const versionOf = async (name: string) => (await mounted.request('read', `keys/${name}`)).data?.latest_version
  for (const [hours, version] of [
    [1, 1],
    [1, 2],
    [1, 2],
    [1, 3],
  ] as const) {
    t.mock.timers.tick(hours * 3_600_000)
    await mounted.advance(hours * 3_600_000)
    assert.deepEqual([await versionOf('app'), await versionOf('still')], [version, 1])
  }
})
