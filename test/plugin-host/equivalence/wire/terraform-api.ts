import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** As much of the API as the terraform plugin needs: tokens that are made and deleted. Each side of a comparison has one. */
export interface TerraformApi {
  readonly address: string
  /** Every deletion fails from now on, or none. */
  fail(isFailing: boolean): void
  /** Ids of the tokens there are. */
  alive(): readonly string[]
}

export async function startTerraformApi(t: TestContext): Promise<TerraformApi> {
  const alive = new Set<string>()
  let count = 0
  let isFailing = false
  const server = createServer((request, response) => {
    request.resume().once('end', () => {
      if (isFailing) return response.writeHead(500).end('{}')
      if (request.method === 'GET') return response.writeHead(200).end('{"data":{}}')
      if (request.method === 'DELETE') {
        alive.delete(request.url?.split('/').at(-1) ?? '')
        return response.writeHead(204).end()
      }
      const id = `at-${++count}`
      alive.add(id)
      const attributes = { token: `secret-${id}`, description: 'd', 'created-at': '2026-01-01T00:00:00.000Z' }
      const body = { data: { id, type: 'authentication-tokens', attributes } }
      return response.writeHead(201, { 'content-type': 'application/vnd.api+json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return {
    address: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    fail: (next) => {
      isFailing = next
    },
    alive: () => [...alive],
  }
}
