import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

/** The part of Elasticsearch's security API that its plugin calls. */
export interface Elasticsearch {
  readonly url: string
  readonly port: number
  /** Passwords by user. */
  readonly users: Map<string, string>
  /** Requests that change something, as `POST user`, without names that chance made. */
  readonly seen: string[]
  /** Answers all with this status while it is above 0. */
  status: number
}

export async function startElasticsearch(t: TestContext, root: string): Promise<Elasticsearch> {
  const state = { url: '', port: 0, users: new Map([['elastic', root]]), seen: [] as string[], status: 0 }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => void chunks.push(chunk))
    request.on('end', () => {
      const status = state.status || answer(state, request, Buffer.concat(chunks).toString())
      response.writeHead(status, { 'content-type': 'application/json', 'x-elastic-product': 'Elasticsearch' })
      response.end(status === 200 ? '{}' : '{"error":{"type":"refused"}}')
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  state.port = (server.address() as AddressInfo).port
  state.url = `http://127.0.0.1:${state.port}`
  return state
}

interface Asked {
  readonly method?: string | undefined
  readonly url?: string | undefined
  readonly headers: { readonly authorization?: string | undefined }
}

function answer({ users, seen }: Elasticsearch, { method = '', url = '', headers }: Asked, body: string): number {
  const login = Buffer.from((headers.authorization ?? '').replace('Basic ', ''), 'base64').toString()
  const [, user = '', password = ''] = /^([^:]*):(.*)$/.exec(login) ?? []
  if (users.get(user) !== password) return 401
  const [, kind = '', name = '', isPassword = ''] = /^\/_security\/(role|user)\/([^/]+)(\/_password)?$/.exec(url) ?? []
  if (method !== 'GET') seen.push(`${method} ${kind}${isPassword}`)
  if (kind !== 'user') return 200
  if (isPassword !== '' && !users.has(name)) return 404
  if (method === 'DELETE') users.delete(name)
  else users.set(name, JSON.parse(body).password)
  return 200
}
