import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { request } from 'node:https'
import test from 'node:test'
import { certificates, type Pair } from '../http/certificates.ts'
import { startBao } from '../support/bao.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { openWorld } from './sidecar-world.ts'

const skip = await realServersAbsent()

test('a client certificate that is verified and named is a caller; any other is nobody', { skip }, async (t) => {
  const server = await startBao(t)
  const { authority, server: own, client, elsewhere, stranger } = certificates(t)
  const tls = { certFile: own.certFile, keyFile: own.keyFile, clientCaFile: authority.certFile }
  const named = [{ dns: 'client', caller: { service: 'client' } }]
  const { sidecar, address } = await openWorld(t, server, {
    listeners: [{ tcp: '127.0.0.1:0', tls, certificates: named }],
  })
  const ask = (pair?: Pair): Promise<number> =>
    new Promise((resolve, reject) => {
      const sent = request(`${address}/v1/sys/health`, {
        ...{ ca: readFileSync(authority.certFile), agent: false, headers: { 'x-vault-request': 'true' } },
        ...(pair === undefined ? {} : { cert: pair.cert, key: pair.key }),
      })
      sent.once('error', reject).once('response', (response) => resolve(response.resume().statusCode ?? 0))
      sent.end()
    })

  assert.match(address, /^https:/)
  assert.equal(await ask(client), 200)
  assert.equal(await ask(elsewhere), 403)
  assert.equal(await ask(stranger), 403)
  assert.equal(await ask(), 403)
  await sidecar.reload()
  assert.equal(await ask(client), 200)
})
