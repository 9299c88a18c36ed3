import type { TestContext } from 'node:test'
import { createFakeServer } from 'portcullis/testing'

/** Starts a fake server on a real socket, with a database role `orders`, and gives its address. */
export async function startSecretServer(t: TestContext, rootToken: string): Promise<string> {
  const server = createFakeServer({ rootToken })
  server.root('POST', 'sys/mounts/database', { type: 'database' })
  server.root('POST', 'database/roles/orders', { default_ttl: '1h', max_ttl: '24h' })
  t.after(() => server.close())
  return server.listen()
}
