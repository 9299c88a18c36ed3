import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { createPrivateKey, X509Certificate } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import fc from 'fast-check'
import { certificateField, certificateOfField, createCertificate } from '../../../lib/plugin-host/wire/certificate.ts'
import { integer, objectId, time } from '../../../lib/plugin-host/wire/der.ts'

const NOW_MS = Date.UTC(2026, 0, 15, 12, 0, 0)

test('a certificate is for localhost, signed by its own key, valid from half a minute ago for 30 years', async () => {
  const { certPem, keyPem, der } = await createCertificate(NOW_MS)
  const parsed = new X509Certificate(certPem)
  assert.equal(parsed.subjectAltName, 'DNS:localhost')
  assert.equal(parsed.subject, 'CN=localhost')
  assert.equal(parsed.issuer, parsed.subject)
  assert.deepEqual(parsed.keyUsage, ['1.3.6.1.5.5.7.3.1', '1.3.6.1.5.5.7.3.2'])
  assert.equal(parsed.ca, true)
  assert.equal(Date.parse(parsed.validFrom), NOW_MS - 30_000)
  assert.equal(Date.parse(parsed.validTo), NOW_MS + 30 * 365 * 86_400_000)
  assert.ok(parsed.verify(parsed.publicKey))
  assert.ok(parsed.checkPrivateKey(createPrivateKey(keyPem)))
  assert.ok(parsed.raw.equals(der))
})

test('openssl reads and verifies it', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'cert-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'cert.pem')
  const { certPem } = await createCertificate()
  writeFileSync(file, certPem)
  const openssl = (...args: readonly string[]): string =>
    execFileSync('openssl', args, { encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  for (const purpose of ['sslserver', 'sslclient'])
    assert.match(openssl('verify', '-x509_strict', '-purpose', purpose, '-CAfile', file, file), /: OK/)
  const text = openssl('x509', '-in', file, '-noout', '-text')
  assert.match(text, /Public Key Algorithm: id-ecPublicKey[\s\S]*NIST CURVE: P-256/)
  assert.match(text, /Key Usage: critical\s+Digital Signature, Key Encipherment, Key Agreement, Certificate Sign\s/)
  assert.match(text, /Basic Constraints: critical\s+CA:TRUE/)
})

test('no two certificates are the same', async () => {
  const [first, second] = await Promise.all([createCertificate(NOW_MS), createCertificate(NOW_MS)])
  assert.notEqual(new X509Certificate(first.certPem).serialNumber, new X509Certificate(second.certPem).serialNumber)
  assert.notEqual(first.keyPem, second.keyPem)
})

test('the field of the handshake has no padding and gives the certificate back', async () => {
  const certificate = await createCertificate(NOW_MS)
  const field = certificateField(certificate)
  assert.match(field, /^[A-Za-z0-9+/]{50,}$/)
  assert.equal(certificateOfField(field), certificate.certPem)
})

test('a field with padding, in the URL alphabet, cut or lengthened is none', async () => {
  const field = certificateField(await createCertificate(NOW_MS))
  for (const bad of ['', '=', `${field}=`, `-${field}`, field.slice(0, -8), `${field}AAAA`, 'A'.repeat(60), ' '])
    assert.equal(certificateOfField(bad), undefined)
  fc.assert(fc.property(fc.string(), (text) => certificateOfField(text) === undefined))
})

test('numbers, object ids and moments are DER', () => {
  assert.equal(integer(Uint8Array.of(0, 0)).toString('hex'), '020100')
  assert.equal(integer(Uint8Array.of(0, 0x80)).toString('hex'), '02020080')
  assert.equal(integer(Uint8Array.of(0x7f)).toString('hex'), '02017f')
  assert.equal(objectId('1.2.840.10045.4.3.2').toString('hex'), '06082a8648ce3d040302')
  assert.equal(
    time(Date.UTC(2049, 11, 31, 23, 59, 59))
      .subarray(2)
      .toString(),
    '491231235959Z',
  )
  assert.equal(
    time(Date.UTC(2050, 0, 1))
      .subarray(2)
      .toString(),
    '20500101000000Z',
  )
  assert.deepEqual([time(0)[0], time(Date.UTC(2050, 0, 1))[0]], [0x17, 0x18])
})
