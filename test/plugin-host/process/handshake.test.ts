import assert from 'node:assert/strict'
import { X509Certificate } from 'node:crypto'
import { test } from 'node:test'
import { parseHandshake } from '../../../lib/plugin-host/process/handshake.ts'

/** Self-signed, P-256, made once with openssl; nobody has its key. */
const PEM = `-----BEGIN CERTIFICATE-----
MIIBfDCCASOgAwIBAgIUWvVp2jQL78pJqrAt2dMGSk/VPHcwCgYIKoZIzj0EAwIw
FDESMBAGA1UEAwwJbG9jYWxob3N0MB4XDTI2MTEyNTEwMjExN1oXDTM2MTEyMjEw
MjExN1owFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYIKoZIzj0D
AQcDQgAE93aPA3Jo1auDe+5wh1TSDYES8WIjPNkF31EBqVX4jCT+6YUWqlMVSg8O
FVhOv2YO4MB4+mPvfxs6oU/kYV29gqNTMFEwHQYDVR0OBBYEFFIPIuIGDGKq03s+
fiAjyQEf171iMB8GA1UdIwQYMBaAFFIPIuIGDGKq03s+fiAjyQEf171iMA8GA1Ud
EwEB/wQFMAMBAf8wCgYIKoZIzj0EAwIDRwAwRAIgBkEYSL+rGyZuYFlpy8qNzaEU
yAr+vUG+dbM76a/dxvMCIGqaMWghXzOpIZSDPK457F7MDt7B0vqkjeAJI+Fldaaz
-----END CERTIFICATE-----`
const DER = new X509Certificate(PEM).raw
const CERTIFICATE = DER.toString('base64').replace(/=+$/, '')
const TERMS = { versions: [5, 6], socketFolder: '/run/p/s' }

test('a line of a plugin tells version, socket and certificate', () => {
  const { protocolVersion, address, certificate } = parseHandshake(`1|6|unix|/run/p/s/x|grpc|${CERTIFICATE}`, TERMS)
  assert.deepEqual({ protocolVersion, address }, { protocolVersion: 6, address: { path: '/run/p/s/x' } })
  assert.ok(new X509Certificate(certificate).raw.equals(DER))
})

test('a seventh field is passed over, and so is white space around the line', () => {
  assert.equal(parseHandshake(` 1|5|unix|/run/p/s/x|grpc|${CERTIFICATE}|false\r`, TERMS).protocolVersion, 5)
})

test('a port of this machine is as good as a socket', () => {
  assert.deepEqual(parseHandshake(`1|5|tcp|127.0.0.1:1234|grpc|${CERTIFICATE}`, TERMS).address, {
    host: '127.0.0.1',
    port: 1234,
  })
})

const REFUSED: readonly (readonly [what: string, line: string, reason: RegExp])[] = [
  ['an empty line', '', /no handshake/],
  ['a few words', 'listening on port 80', /no handshake/],
  ['three fields', '1|5|unix', /no handshake/],
  ['another core protocol', `2|5|unix|/run/p/s/x|grpc|${CERTIFICATE}`, /core protocol/],
  ['version 3', `1|3|unix|/run/p/s/x|grpc|${CERTIFICATE}`, /versions 5, 6/],
  ['version 4', `1|4|unix|/run/p/s/x|grpc|${CERTIFICATE}`, /versions 5, 6/],
  ['version 05', `1|05|unix|/run/p/s/x|grpc|${CERTIFICATE}`, /versions 5, 6/],
  ['the protocol before gRPC', `1|5|unix|/run/p/s/x|netrpc|${CERTIFICATE}`, /gRPC/],
  ['no protocol', '1|5|unix|/run/p/s/x', /gRPC/],
  ['no certificate', '1|5|unix|/run/p/s/x|grpc|', /without a certificate/],
  ['a short sixth field', `1|5|unix|/run/p/s/x|grpc|${'A'.repeat(50)}`, /without a certificate/],
  ['padding', `1|5|unix|/run/p/s/x|grpc|${CERTIFICATE}=`, /base64/],
  ['the alphabet of URLs', `1|5|unix|/run/p/s/x|grpc|${CERTIFICATE.slice(0, -1)}_`, /base64/],
  ['no certificate in the base64', `1|5|unix|/run/p/s/x|grpc|${'A'.repeat(200)}`, /base64/],
  ['a socket elsewhere', `1|5|unix|/run/docker.sock|grpc|${CERTIFICATE}`, /outside/],
  ['a socket reached upwards', `1|5|unix|/run/p/s/../../docker.sock|grpc|${CERTIFICATE}`, /outside/],
  ['a socket in a folder of like name', `1|5|unix|/run/p/s2/x|grpc|${CERTIFICATE}`, /outside/],
  ['a relative socket', `1|5|unix|x|grpc|${CERTIFICATE}`, /outside/],
  ['another machine', `1|5|tcp|10.0.0.1:80|grpc|${CERTIFICATE}`, /neither/],
  ['a port that is none', `1|5|tcp|127.0.0.1:99999|grpc|${CERTIFICATE}`, /neither/],
  ['another network', `1|5|udp|127.0.0.1:80|grpc|${CERTIFICATE}`, /neither/],
]

for (const [what, line, reason] of REFUSED) {
  test(`refused: ${what}`, () => {
    assert.throws(
      () => parseHandshake(line, TERMS),
      (error: Error) => reason.test(error.message) && !(line.length > 30 && error.message.includes(line)),
    )
  })
}
