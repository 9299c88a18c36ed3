import { once } from 'node:events'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'
import type { Pair } from '../http/certificates.ts'

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews'

/**
 * The part of a Kubernetes API server that the kubernetes auth method asks: token reviews.
 *
 * @param pair - Its certificate, for 127.0.0.1.
 * @param known - Tokens that are alive; each belongs to the service account `default/app`.
 * @returns Its address.
 */
export async function startTokenReview(
  t: TestContext,
  { cert, key }: Pair,
  known: ReadonlySet<string>,
): Promise<string> {
  const server = createServer({ cert, key }, (request, response) => void review(request, response, known))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => {
    server.close()
    server.closeAllConnections()
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

async function review(request: IncomingMessage, response: ServerResponse, known: ReadonlySet<string>): Promise<void> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk)
  if (request.method !== 'POST' || request.url !== PATH) return void response.writeHead(404).end('{}')
  const { spec } = JSON.parse(Buffer.concat(chunks).toString('utf8')) as { readonly spec: { readonly token: string } }
  const user = { username: 'system:serviceaccount:default:app', uid: 'uid-1', groups: ['system:serviceaccounts'] }
  const status = known.has(spec.token) ? { authenticated: true, user } : { authenticated: false, error: 'unknown' }
  const body = { kind: 'TokenReview', apiVersion: 'authentication.k8s.io/v1', metadata: {}, status }
  response.writeHead(201, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}
