import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { ELASTICSEARCH_PLUGIN, goPlugin } from '../../../support/go-plugins.ts'
import { databaseScript } from './database.ts'
import { runScript } from './script.ts'
import { twoSides } from './sides.ts'

test('the Go elasticsearch plugin below the database engine answers behind a host as behind a server', async (t) => {
  const api = await startApi(t)
  const sides = await twoSides(t, { es: ['database', await goPlugin(t, ELASTICSEARCH_PLUGIN)] })
  for (const { kept } of sides) kept.set('api', api)
  await runScript(t, sides, databaseScript())
})

/** Says yes to everything. */
async function startApi(t: TestContext): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().once('end', () => response.writeHead(200, { 'content-type': 'application/json' }).end('{}'))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}
