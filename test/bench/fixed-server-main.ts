import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/**
 * A server that answers by the first segment of the path and does nothing else, so that it is not what limits a row:
 * `kv/` a KV v2 secret, `database/` a leased credential after the time a real database takes to make one, `auth/` its token,
 * `sys/` a renewal of an hour.
 * `GET /count` answers the number of requests so far. Tells its port to the process that started it.
 */
const MINT_MS = 6

const BODIES = {
  auth: envelope({
    data: { accessor: 'bench-accessor', ttl: 0, renewable: false, policies: ['default'], type: 'service' },
  }),
  kv: envelope({
    data: {
      data: { username: 'orders', password: 'correct-horse-battery-staple', host: 'db.example', port: 5432 },
      metadata: {
        created_time: '2026-01-02T03:04:05.678901234Z',
        custom_metadata: null,
        deletion_time: '',
        destroyed: false,
        version: 3,
      },
    },
    mount_type: 'kv',
  }),
  database: envelope({
    lease_id: 'database/creds/orders/AbCdEfGhIjKlMnOpQrStUvWx',
    lease_duration: 3600,
    renewable: true,
    data: { username: 'v-token-orders-AbCdEfGhIjKl-1700000000', password: 'A1a-bCdEfGhIjKlMnOpQr' },
    mount_type: 'database',
  }),
  sys: envelope({ lease_id: 'database/creds/orders/AbCdEfGhIjKlMnOpQrStUvWx', lease_duration: 3600, renewable: true }),
} as const

let requests = 0
const server = createServer((request, response) => {
  if (request.url === '/count') return void response.end(String(requests))
  requests += 1
  const mount = request.url?.split('/', 3)[2]
  if (mount === 'database') setTimeout(answer, MINT_MS, response, BODIES.database)
  else answer(response, mount === 'kv' || mount === 'sys' ? BODIES[mount] : BODIES.auth)
})
server.keepAliveTimeout = 0
server.listen(0, '127.0.0.1', () => process.send?.((server.address() as AddressInfo).port))
process.on('disconnect', () => process.exit())

function answer(response: ServerResponse<IncomingMessage>, body: Buffer): void {
  response.writeHead(200, { 'content-type': 'application/json', 'content-length': body.length })
  response.end(body)
}

function envelope(body: object): Buffer {
  const empty = {
    request_id: '7f3c1b7e-0b1c-4c6e-9d55-2f0d7a6f0c11',
    lease_id: '',
    renewable: false,
    lease_duration: 0,
  }
  return Buffer.from(JSON.stringify({ ...empty, wrap_info: null, warnings: null, auth: null, ...body }))
}
