import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** Answers of the server by path below `/v1/`; a path without one is 404, a write 204. */
export type Answers = Readonly<Record<string, object>>

const LOOKED_UP = { data: { ttl: 3600, renewable: true, policies: ['orders'], accessor: 'accessor', type: 'service' } }

/** A server that tells what it is given, and describes the token of whoever asks. For tests of what lies in front of it. */
export async function startSecretServer(t: TestContext, answers: Answers): Promise<string> {
  const all: Answers = { 'auth/token/lookup-self': LOOKED_UP, ...answers }
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      if (request.method !== 'GET') response.writeHead(204).end()
      else answer(response, all[(request.url ?? '').slice('/v1/'.length)])
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

function answer(response: ServerResponse, body: object | undefined): void {
  response.statusCode = body === undefined ? 404 : 200
  response.end(JSON.stringify(body ?? { errors: [] }))
}
