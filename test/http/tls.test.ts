import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { createSecureServer } from 'node:http2'
import { createServer, type ServerOptions as HttpsOptions } from 'node:https'
import { type TestContext, test } from 'node:test'
import type { TLSSocket } from 'node:tls'
import type { TlsOptions } from '../../lib/options/tls.ts'
import { type Certificates, certificates, type Pair } from './certificates.ts'
import { failing } from './expect.ts'
import { json, KV, listening, peer, send, tcpPeer, transportTo } from './support.ts'

interface Secure {
  /** By IP. */
  readonly url: string
  readonly clients: (string | undefined)[]
}

async function securePeer(t: TestContext, pair: Pair, options: HttpsOptions = {}): Promise<Secure> {
  const clients: (string | undefined)[] = []
  const server = createServer({ cert: pair.cert, key: pair.key, ...options }, (request, response) => {
    const subject = (request.socket as TLSSocket).getPeerCertificate().subject?.CN
    clients.push(typeof subject === 'string' ? subject : undefined)
    json(response, 200, KV)
  })
  server.on('tlsClientError', () => {})
  const port = await listening(t, server)
  return { url: `https://127.0.0.1:${port}`, clients }
}

/** A server that says by an alert that it wants a client certificate. */
async function strictPeer(t: TestContext, made: Certificates, version: string): Promise<string> {
  const { server, authority } = made
  const files = ['-cert', server.certFile, '-key', server.keyFile, '-CAfile', authority.certFile]
  const args = [
    's_server',
    '-accept',
    '127.0.0.1:0',
    ...files,
    '-Verify',
    '1',
    '-verify_return_error',
    `-${version}`,
    '-www',
  ]
  const child = spawn('openssl', args, { stdio: ['ignore', 'pipe', 'ignore'] })
  t.after(() => child.kill())
  for await (const chunk of child.stdout) {
    const port = /ACCEPT 127\.0\.0\.1:(\d+)/.exec(String(chunk))?.[1]
    if (port !== undefined) return port
  }
  throw new Error('openssl s_server did not start')
}

function call(t: TestContext, address: string, tls: TlsOptions): ReturnType<typeof send> {
  return send(transportTo(t, { address, tls, maxRetries: 0 }))
}

test('TLS to the server', async (t) => {
  const made: Certificates = certificates(t)
  const { authority, client } = made
  const ca = authority.cert

  await t.test('a certificate of an unknown authority is refused, with advice', async (t) => {
    const server = await securePeer(t, made.server)
    const error = await failing(call(t, server.url, {}), 'TLS')
    assert.match(error.message, /name its authority in tls\.ca/)
    assert.equal(error.mayHaveHappened, false)
    assert.deepEqual(server.clients, [])
  })

  await t.test('a certificate signed by itself is refused', async (t) => {
    const server = await securePeer(t, made.stranger)
    assert.match((await failing(call(t, server.url, { ca }), 'TLS')).message, /DEPTH_ZERO_SELF_SIGNED_CERT/)
  })

  await t.test('NODE_TLS_REJECT_UNAUTHORIZED does not switch the check off', async (t) => {
    const server = await securePeer(t, made.stranger)
    process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
    t.after(() => delete process.env.NODE_TLS_REJECT_UNAUTHORIZED)
    await failing(call(t, server.url, {}), 'TLS')
  })

  await t.test('the authority is taken as text, as Buffer and as file', async (t) => {
    const server = await securePeer(t, made.server)
    for (const tls of [{ ca }, { ca: Buffer.from(ca) }, { caFile: authority.certFile }]) {
      assert.equal((await call(t, server.url, tls)).status, 200)
    }
  })

  await t.test('a certificate for another name is refused, unless serverName asks for that name', async (t) => {
    const server = await securePeer(t, made.elsewhere)
    const error = await failing(call(t, server.url, { ca }), 'TLS')
    assert.match(error.message, /see tls\.serverName/)
    assert.equal((await call(t, server.url, { ca, serverName: 'vault.example' })).status, 200)
    const right = await securePeer(t, made.server)
    await failing(call(t, right.url, { ca, serverName: 'vault.example' }), 'TLS')
  })

  await t.test('an expired certificate is refused', async (t) => {
    const server = await securePeer(t, made.expired)
    assert.match((await failing(call(t, server.url, { ca }), 'TLS')).message, /CERT_HAS_EXPIRED.*clocks/)
  })

  await t.test('insecureSkipVerify takes any certificate', async (t) => {
    const server = await securePeer(t, made.stranger)
    assert.equal((await call(t, server.url, { insecureSkipVerify: true })).status, 200)
  })

  await t.test('a client certificate is shown', async (t) => {
    const server = await securePeer(t, made.server, { ca, requestCert: true, rejectUnauthorized: true })
    assert.equal((await call(t, server.url, { ca, cert: client.cert, key: client.key })).status, 200)
    assert.equal((await call(t, server.url, { ca, certFile: client.certFile, keyFile: client.keyFile })).status, 200)
    assert.deepEqual(server.clients, ['client', 'client'])
  })

  await t.test('TLS 1.2: the lack of a client certificate is told, and nothing has happened', async (t) => {
    const port = await strictPeer(t, made, 'tls1_2')
    const error = await failing(call(t, `https://127.0.0.1:${port}`, { ca }), 'TLS')
    assert.match(error.message, /client certificate/)
    assert.equal(error.mayHaveHappened, false)
  })

  await t.test('TLS 1.3: the lack of a client certificate is hinted at', async (t) => {
    const port = await strictPeer(t, made, 'tls1_3')
    const error = await failing(call(t, `https://127.0.0.1:${port}`, { ca }), 'UNREACHABLE')
    assert.match(error.message, /client certificate/)
  })

  await t.test('TLS below 1.2 is refused', async (t) => {
    const old: HttpsOptions = { minVersion: 'TLSv1', maxVersion: 'TLSv1.1', ciphers: 'DEFAULT@SECLEVEL=0' }
    const server = await securePeer(t, made.server, old)
    await failing(call(t, server.url, { ca }), 'TLS')
  })

  await t.test('HTTP/2 is not spoken unless asked for', async (t) => {
    const protocols: (string | false | null)[] = []
    const server = createServer(
      { cert: made.server.cert, key: made.server.key, ALPNProtocols: ['h2', 'http/1.1'] },
      (request, response) => {
        protocols.push((request.socket as TLSSocket).alpnProtocol)
        json(response, 200, KV)
      },
    )
    const port = await listening(t, server)
    await call(t, `https://localhost:${port}`, { ca })
    assert.deepEqual(protocols, ['http/1.1'])
  })

  await t.test('HTTP/2 is spoken where asked for; a call given up leaves the others alone', async (t) => {
    const { cert, key } = made.server
    const server = createSecureServer({ cert, key, allowHTTP1: true }, (request, response) => {
      protocols.push(request.httpVersion)
      const delayMs = request.url.endsWith('slow') ? 150 : 0
      setTimeout(() => response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(KV)), delayMs)
    })
    const protocols: string[] = []
    const port = await listening(t, server)
    const transport = transportTo(t, { address: `https://localhost:${port}`, tls: { ca }, allowH2: true })
    await send(transport)
    const slow = send(transport, { path: 'slow' })
    await failing(send(transport, { path: 'given/up/slow' }, { timeoutMs: 30 }), 'TIMEOUT')
    assert.equal((await slow).status, 200)
    assert.deepEqual([...new Set(protocols)], ['2.0'])
  })

  await t.test('a key that does not belong to the certificate is refused at the start', (t) => {
    const tls = { cert: client.cert, key: authority.key }
    assert.throws(() => transportTo(t, { address: 'https://localhost', tls }), /server\.tls: .*cannot be used/)
  })

  await t.test('a file that cannot be read is named at the start', (t) => {
    const options = { address: 'https://localhost', tls: { caFile: '/does/not/exist.pem' } }
    assert.throws(() => transportTo(t, options), /server\.tls\.caFile: cannot read \/does\/not\/exist\.pem/)
  })

  await t.test('plain HTTP behind an https address is told as such', async (t) => {
    const server = await peer(t, (response) => json(response, 200, KV))
    const error = await failing(call(t, server.url.replace('http:', 'https:'), { ca }), 'TLS')
    assert.match(error.message, /does it speak plain HTTP\?/)
  })

  await t.test('a connection cut in the handshake is told as unreachable, and nothing has happened', async (t) => {
    const server = await tcpPeer(t, (socket) => socket.once('data', () => socket.destroy()))
    const error = await failing(call(t, server.url.replace('http:', 'https:'), { ca }), 'UNREACHABLE')
    assert.equal(error.mayHaveHappened, false)
  })

  await t.test('a redirect from https to http is not followed', async (t) => {
    const plain = await peer(t, (response) => json(response, 200, KV))
    const server = createServer({ cert: made.server.cert, key: made.server.key }, (request, response) => {
      response.writeHead(307, { location: `${plain.url}${request.url}` }).end()
    })
    const port = await listening(t, server)
    const options = {
      address: `https://localhost:${port}`,
      tls: { ca },
      allowedRedirectHosts: [`127.0.0.1:${plain.port}`],
    }
    const error = await failing(send(transportTo(t, options)), 'REDIRECT')
    assert.match(error.message, /from https to http/)
    assert.equal(plain.seen.length, 0)
  })
})
