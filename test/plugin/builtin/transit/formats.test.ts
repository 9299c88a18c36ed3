import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import {
  constants,
  createDecipheriv,
  createHmac,
  createPrivateKey,
  createPublicKey,
  hkdfSync,
  privateDecrypt,
  verify,
} from 'node:crypto'
import { type TestContext, test } from 'node:test'
import { transit } from '../../../../lib/plugin/builtin/transit/plugin.ts'
import { testPlugin } from '../../../../lib/plugin/testing/index.ts'
import { startBao } from '../../../support/bao.ts'
import { realServersAbsent } from '../../../support/real-servers.ts'

const skip = await realServersAbsent()
const b64 = (text: string): string => Buffer.from(text).toString('base64')

/** Asks an engine, and gives the data of its answer. */
type Ask = (method: 'GET' | 'POST', path: string, body?: Record<string, string | number | boolean>) => Promise<Answered>
type Answered = Readonly<Record<string, unknown>>

async function ours(): Promise<Ask> {
  const mounted = await testPlugin(transit)
  return async (method, path, body) => {
    const { status, data, errors } = await mounted.request(method === 'GET' ? 'read' : 'write', path, body)
    assert.equal(status, 200, errors.join())
    return data ?? {}
  }
}

async function theirs(t: TestContext): Promise<Ask> {
  const bao = await startBao(t)
  await bao.root('POST', 'sys/mounts/transit', { type: 'transit' })
  return async (method, path, body) => (await bao.root(method, `transit/${path}`, body)).body.data
}

async function exportedKey(ask: Ask, kind: string, name: string): Promise<string> {
  const { keys } = await ask('GET', `export/${kind}/${name}`)
  return String((keys as Record<string, unknown>)['1'])
}

function bodyOf(text: unknown): Buffer {
  return Buffer.from(String(text).replace('vault:v1:', ''), 'base64')
}

/** The format, written down a second time: nonce, ciphertext, tag. */
function open(cipher: string, key: Uint8Array, ciphertext: unknown, associatedData = ''): string {
  const bytes = bodyOf(ciphertext)
  const decipher = createDecipheriv(cipher as 'aes-256-gcm', key, bytes.subarray(0, 12), { authTagLength: 16 })
  decipher.setAAD(Buffer.from(associatedData))
  decipher.setAuthTag(bytes.subarray(-16))
  return Buffer.concat([decipher.update(bytes.subarray(12, -16)), decipher.final()]).toString()
}

async function checkCiphers(ask: Ask): Promise<void> {
  const ciphers = {
    'aes128-gcm96': 'aes-128-gcm',
    'aes256-gcm96': 'aes-256-gcm',
    'chacha20-poly1305': 'chacha20-poly1305',
  }
  for (const [type, cipher] of Object.entries(ciphers))
    for (const derived of [false, true]) {
      const name = `${type}-${derived}`
      await ask('POST', `keys/${name}`, { type, derived, exportable: true })
      const own = Buffer.from(await exportedKey(ask, 'encryption-key', name), 'base64')
      const key = derived ? Buffer.from(hkdfSync('sha256', own, '', 'tenant', own.length)) : own
      const body = {
        plaintext: b64('hello'),
        associated_data: b64('aad'),
        ...(derived ? { context: b64('tenant') } : {}),
      }
      const { ciphertext } = await ask('POST', `encrypt/${name}`, body)
      assert.equal(open(cipher, key, ciphertext, 'aad'), 'hello', name)
    }
}

async function checkRsa(ask: Ask): Promise<void> {
  await ask('POST', 'keys/rsa', { type: 'rsa-2048', exportable: true })
  const key = createPrivateKey(await exportedKey(ask, 'encryption-key', 'rsa'))
  const publicKey = createPublicKey(await exportedKey(ask, 'public-key', 'rsa'))
  const { ciphertext } = await ask('POST', 'encrypt/rsa', { plaintext: b64('hello') })
  const oaep = { key, padding: constants.RSA_PKCS1_OAEP_PADDING, oaepHash: 'sha256' }
  assert.equal(privateDecrypt(oaep, bodyOf(ciphertext)).toString(), 'hello')
  const pss = { key: publicKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
  const signed = await ask('POST', 'sign/rsa', { input: b64('hello') })
  assert.ok(verify('sha256', Buffer.from('hello'), pss, bodyOf(signed.signature)))
  const plain = { signature_algorithm: 'pkcs1v15', hash_algorithm: 'sha2-512' }
  const other = await ask('POST', 'sign/rsa', { input: b64('hello'), ...plain })
  assert.ok(verify('sha512', Buffer.from('hello'), publicKey, bodyOf(other.signature)))
}

async function checkCurves(ask: Ask): Promise<void> {
  for (const type of ['ecdsa-p256', 'ecdsa-p384', 'ecdsa-p521']) {
    await ask('POST', `keys/${type}`, { type, exportable: true })
    const key = createPublicKey(await exportedKey(ask, 'public-key', type))
    const own = createPublicKey(createPrivateKey(await exportedKey(ask, 'signing-key', type)))
    assert.ok(own.equals(key))
    const { signature } = await ask('POST', `sign/${type}`, { input: b64('hello') })
    assert.ok(verify('sha256', Buffer.from('hello'), key, bodyOf(signature)), type)
    const jws = await ask('POST', `sign/${type}`, { input: b64('hello'), marshaling_algorithm: 'jws' })
    const ieee = { key, dsaEncoding: 'ieee-p1363' as const }
    assert.ok(verify('sha256', Buffer.from('hello'), ieee, Buffer.from(String(jws.signature).slice(9), 'base64url')))
  }
  await ask('POST', 'keys/ed', { type: 'ed25519', exportable: true })
  const raw = Buffer.from(await exportedKey(ask, 'public-key', 'ed'), 'base64')
  const spki = Buffer.concat([Buffer.from('302a300506032b6570032100', 'hex'), raw])
  const { signature } = await ask('POST', 'sign/ed', { input: b64('hello') })
  const key = createPublicKey({ key: spki, format: 'der', type: 'spki' })
  assert.ok(verify(null, Buffer.from('hello'), key, bodyOf(signature)))
  const pair = Buffer.from(await exportedKey(ask, 'signing-key', 'ed'), 'base64')
  assert.deepEqual([pair.length, pair.subarray(32)], [64, raw])
}

async function checkMacs(ask: Ask): Promise<void> {
  await ask('POST', 'keys/mac', { type: 'hmac', key_size: 64, exportable: true })
  for (const name of ['mac', 'aes256-gcm96-false']) {
    const key = Buffer.from(await exportedKey(ask, 'hmac-key', name), 'base64')
    const { hmac } = await ask('POST', `hmac/${name}/sha2-512`, { input: b64('hello') })
    assert.deepEqual(bodyOf(hmac), createHmac('sha512', key).update('hello').digest())
  }
}

async function checkAll(ask: Ask): Promise<void> {
  await checkCiphers(ask)
  await checkRsa(ask)
  await checkCurves(ask)
  await checkMacs(ask)
}

test('with the exported keys, what our transit makes is read by another program', async () => checkAll(await ours()))

test('the same program reads what a real OpenBao makes: the formats are one', { skip }, async (t) =>
  checkAll(await theirs(t)),
)
