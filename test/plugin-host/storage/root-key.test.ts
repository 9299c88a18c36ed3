import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import {
  chmodSync,
  chownSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { ServerError } from '../../../lib/errors/index.ts'
import { unseal } from '../../../lib/model/sealed.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import { type RootKeySource, rootKeyOf, rootKeyVariable } from '../../../lib/plugin-host/storage/root-key.ts'
import { rootKeyFile } from '../../../lib/plugin-host/storage/root-key-file.ts'
import { createStorage } from '../../../lib/plugin-host/storage/storage.ts'
import { sealedRootKey, transitSeal } from '../../../lib/plugin-host/storage/transit-seal.ts'
import { put, textOf } from './suite.ts'

const KEY = { name: 'StorageError', code: 'ERR_PORTCULLIS_STORAGE_KEY' }
const CORRUPT = { name: 'StorageError', code: 'ERR_PORTCULLIS_STORAGE_CORRUPT' }

function pathFor(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-root-key-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return join(folder, 'root.key')
}

async function keyOf(source: RootKeySource, isFirst = false): Promise<Buffer> {
  return Buffer.from(unseal((await source.open(undefined, isFirst)).key))
}

test('a key file is made of 32 random bytes, for its owner alone, and read again', async (t) => {
  const path = pathFor(t)
  const key = await keyOf(rootKeyFile(path, { create: true }), true)
  assert.equal(key.length, 32)
  assert.equal(statSync(path).mode & 0o777, 0o600)
  assert.deepEqual(readFileSync(path), key)
  assert.deepEqual(await keyOf(rootKeyFile(path)), key)
  assert.deepEqual(readdirSync(join(path, '..')), ['root.key'])
})

test('hosts that start together make one key', async (t) => {
  const path = pathFor(t)
  const keys = await Promise.all(Array.from({ length: 8 }, () => keyOf(rootKeyFile(path, { create: true }), true)))
  assert.equal(new Set(keys.map((key) => key.toString('hex'))).size, 1)
  assert.deepEqual(readdirSync(join(path, '..')), ['root.key'])
})

test('an absent key file is not made unasked, nor for a storage that has a key', async (t) => {
  const path = pathFor(t)
  await assert.rejects(keyOf(rootKeyFile(path), true), KEY)
  await assert.rejects(keyOf(rootKeyFile(path, { create: true }), false), KEY)
  assert.deepEqual(readdirSync(join(path, '..')), [])
  const driver = memory()
  const storage = await createStorage({ driver, rootKey: rootKeyFile(path, { create: true }) })
  await storage.close()
  rmSync(path)
  await assert.rejects(createStorage({ driver, rootKey: rootKeyFile(path, { create: true }) }), KEY)
})

test('a key file that others may read, of another size, or that is no file is refused', async (t) => {
  const path = pathFor(t)
  writeFileSync(path, randomBytes(32), { mode: 0o600 })
  for (const mode of [0o640, 0o604, 0o620, 0o602, 0o610, 0o660, 0o644]) {
    chmodSync(path, mode)
    await assert.rejects(keyOf(rootKeyFile(path)), KEY, mode.toString(8))
  }
  chmodSync(path, 0o400)
  await keyOf(rootKeyFile(path))
  for (const size of [0, 31, 33, 64, 100_000]) {
    rmSync(path)
    writeFileSync(path, randomBytes(size), { mode: 0o600 })
    await assert.rejects(keyOf(rootKeyFile(path)), KEY, `${size} bytes`)
  }
  rmSync(path)
  mkdirSync(path)
  await assert.rejects(keyOf(rootKeyFile(path, { create: true }), true), KEY)
})

test('a link to a key file is refused, a dangling one too, and nothing is made behind it', async (t) => {
  const path = pathFor(t)
  writeFileSync(`${path}.real`, randomBytes(32), { mode: 0o600 })
  symlinkSync(`${path}.real`, path)
  await assert.rejects(keyOf(rootKeyFile(path)), KEY)
  rmSync(`${path}.real`)
  await assert.rejects(keyOf(rootKeyFile(path, { create: true }), true), KEY)
  assert.deepEqual(readdirSync(join(path, '..')), ['root.key'])
})

test('a FIFO in place of the key file does not hold the start', async (t) => {
  const path = pathFor(t)
  execFileSync('mkfifo', ['-m', '600', path])
  await assert.rejects(keyOf(rootKeyFile(path)), KEY)
})

test('a key file of another user is refused', async (t) => {
  if (process.geteuid?.() !== 0) return t.skip('only root can give a file away')
  const path = pathFor(t)
  writeFileSync(path, randomBytes(32), { mode: 0o600 })
  chownSync(path, 12_345, 12_345)
  await assert.rejects(keyOf(rootKeyFile(path)), KEY)
})

test('a variable holds 32 bytes in base64', async () => {
  const key = randomBytes(32)
  const source = (text: string | undefined): RootKeySource =>
    rootKeyVariable('ROOT', text === undefined ? {} : { ROOT: text })
  assert.deepEqual(await keyOf(source(key.toString('base64'))), key)
  assert.deepEqual(await keyOf(source(`${key.toString('base64')}\n`)), key)
  const bad = [
    undefined,
    '',
    key.toString('hex'),
    randomBytes(31).toString('base64'),
    `${key.toString('base64')}AAAA`,
    `?${key.toString('base64')}`,
  ]
  for (const text of bad) {
    await assert.rejects(keyOf(source(text)), (error: Error) => {
      assert.equal((error as { code?: unknown }).code, KEY.code)
      return text === undefined || text === '' || !inspect(error).includes(text)
    })
  }
})

test('a given key has 32 bytes', () => {
  assert.throws(() => rootKeyOf(randomBytes(16)), TypeError)
  assert.throws(() => rootKeyOf('x'.repeat(32) as unknown as Uint8Array), TypeError)
})

/** A transit engine in outline: what it encrypted is only its own to open. */
function transit(): {
  readonly gateway: Parameters<typeof transitSeal>[0]
  readonly calls: string[]
  fail: Error | undefined
} {
  const kept = new Map<string, string>()
  const state = {
    calls: [] as string[],
    fail: undefined as Error | undefined,
    gateway: {
      async write(path: string, data: { readonly [name: string]: string }) {
        state.calls.push(path)
        if (state.fail !== undefined) throw state.fail
        if (path.includes('/encrypt/')) {
          const ciphertext = `vault:v1:${randomBytes(12).toString('base64')}`
          kept.set(ciphertext, data.plaintext ?? '')
          return { data: { ciphertext } }
        }
        return { data: { plaintext: kept.get(data.ciphertext ?? '') } }
      },
    },
  }
  return state
}

test('a storage sealed by transit unseals by itself at the next start', async () => {
  const driver = memory()
  const { gateway, calls } = transit()
  const rootKey = transitSeal(gateway, 'app')
  const storage = await createStorage({ driver, rootKey })
  assert.equal(storage.rootKeyKind, 'seal')
  await storage.write([put('a', 'one')])
  await storage.close()
  calls.length = 0
  const again = await createStorage({ driver, rootKey })
  assert.deepEqual(calls, ['transit/decrypt/app'])
  assert.equal(textOf(await again.get('a')), 'one')
})

test('a storage moves from a file to transit and back by rekey', async (t) => {
  const driver = memory()
  const file = rootKeyFile(pathFor(t), { create: true })
  const seal = transitSeal(transit().gateway, 'app', 'sub/transit/')
  let storage = await createStorage({ driver, rootKey: file })
  await storage.write([put('a', 'one')])
  await storage.rekey(seal)
  assert.equal(storage.rootKeyKind, 'seal')
  await storage.close()
  await assert.rejects(createStorage({ driver, rootKey: file }), KEY)
  storage = await createStorage({ driver, rootKey: seal })
  assert.equal(textOf(await storage.get('a')), 'one')
  await storage.rekey(file)
  await storage.close()
  await assert.rejects(createStorage({ driver, rootKey: seal }), KEY)
  storage = await createStorage({ driver, rootKey: file })
  assert.equal(textOf(await storage.get('a')), 'one')
})

test('a server that cannot be reached is told as such, and may be tried again', async () => {
  const driver = memory()
  const state = transit()
  const rootKey = transitSeal(state.gateway, 'app')
  await (await createStorage({ driver, rootKey })).close()
  const down = new ServerError('ERR_PORTCULLIS_SERVER_SEALED', 'sealed', {
    operation: 'update',
    path: 'transit/decrypt/app',
  })
  state.fail = down
  await assert.rejects(createStorage({ driver, rootKey }), { ...KEY, temporary: true, cause: down })
  state.fail = new ServerError('ERR_PORTCULLIS_SERVER_FORBIDDEN', 'no', {
    operation: 'update',
    path: 'transit/decrypt/app',
  })
  await assert.rejects(createStorage({ driver, rootKey }), { ...KEY, temporary: false })
  state.fail = undefined
  await createStorage({ driver, rootKey })
})

test('a changed byte of the wrapped root key is damage, and is not sent anywhere', async () => {
  const driver = memory()
  const { gateway, calls } = transit()
  const rootKey = transitSeal(gateway, 'app')
  await (await createStorage({ driver, rootKey })).close()
  await driver.open()
  const stored = Buffer.from((await driver.get('barrier/root-key')) ?? [])
  calls.length = 0
  for (let index = 0; index < stored.length; index++) {
    const changed = Buffer.from(stored)
    changed[index] = (changed[index] ?? 0) ^ 1
    await driver.write([{ key: 'barrier/root-key', value: changed }])
    await assert.rejects(createStorage({ driver, rootKey }), CORRUPT)
    await driver.open()
  }
  assert.deepEqual(calls, [])
})

test('a seal that does not give back what it was given is found out before anything is stored', async () => {
  const driver = memory()
  const bad = sealedRootKey({ encrypt: async (clear) => clear, decrypt: async () => randomBytes(32) })
  await assert.rejects(createStorage({ driver, rootKey: bad }), KEY)
  await driver.open()
  assert.deepEqual(await driver.list(''), [])
  for (const answer of [{}, { data: {} }, { data: { ciphertext: 5 } }]) {
    const rootKey = transitSeal({ write: async () => answer as { data: unknown } }, 'app')
    await assert.rejects(createStorage({ driver, rootKey }), KEY)
  }
})
