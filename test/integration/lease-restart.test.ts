import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { createPluginHost, type PluginHost } from '../../lib/plugin-host/host.ts'
import { createPlugins } from '../../lib/plugin-host/process/create-plugins.ts'
import { lmdb } from '../../lib/plugin-host/storage/lmdb.ts'
import { rootKeyOf } from '../../lib/plugin-host/storage/root-key.ts'
import { createStorage } from '../../lib/plugin-host/storage/storage.ts'
import type { Clock } from '../../lib/ports/clock.ts'
import { systemClock } from '../../lib/system/clock.ts'
import { tokenOf } from '../plugin-host/router/world.ts'
import { gatewayOver } from './plugin-host-world.ts'

const LEASES = 10_000
const HOUR = 3_600_000
const SERVED = fileURLToPath(new URL('../plugin-host/attack/served/api-keys.ts', import.meta.url))

test('ten thousand leases of a real plugin on LMDB that ended while the host was down are revoked after its start', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'leases-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const service = await startService()
  t.after(() => service.server.close())
  const rootKey = rootKeyOf(crypto.getRandomValues(new Uint8Array(32)))
  const command = join(folder, 'api-keys')
  const head = `#!/usr/bin/env -S ${process.execPath} -C portcullis-source`
  writeFileSync(command, `${head}\nimport(${JSON.stringify(SERVED)})\n`, { mode: 0o755 })
  const sha256 = createHash('sha256').update(readFileSync(command)).digest('hex')
  const env = [`KEYS_API=http://127.0.0.1:${(service.server.address() as AddressInfo).port}`]
  const start = async (clock: Clock): Promise<PluginHost> => {
    const storage = await createStorage({ driver: lmdb(join(folder, 'storage')), rootKey })
    const plugins = [{ name: 'api-keys', type: 'secret', command, sha256, env }] as const
    const drivers = { clock, plugins: createPlugins({ folder: join(folder, 'run') }) }
    return createPluginHost({ storage, plugins, mounts: { keys: { type: 'api-keys' }, kv: { type: 'kv' } } }, drivers)
  }
  const first = await start(systemClock)
  const mint = await minterOf(first)
  const sinceMs = performance.now()
  for (let at = 0; at < LEASES; at += 50) await Promise.all(Array.from({ length: 50 }, mint))
  t.diagnostic(`${Math.round(performance.now() - sinceMs)} ms to mint ${LEASES}`)
  await first.close()
  assert.equal(service.alive.size, LEASES)

  const later: Clock = { ...systemClock, wallTime: () => systemClock.wallTime() + 2 * HOUR }
  const startedMs = performance.now()
  const second = await start(later)
  t.after(() => second.close())
  t.diagnostic(`${Math.round(performance.now() - startedMs)} ms to start anew`)
  // Nobody waited for the revocations.
  assert.ok(service.alive.size > LEASES / 2)
  const { gateway } = await gatewayOver(t, second, { dangerouslyAllowEverything: true })
  let longestMs = 0
  await gateway.write('kv/x', { value: 1 })
  const refused = LEASES / 100
  while (service.refusals < refused || second.operator.leases().length > refused) {
    const askedMs = performance.now()
    await gateway.read('kv/x')
    longestMs = Math.max(longestMs, performance.now() - askedMs)
    await sleep(5)
    assert.ok(performance.now() - startedMs < 120_000, `${service.alive.size} keys left`)
  }
  const tookMs = Math.round(performance.now() - startedMs)
  t.diagnostic(
    `revoked within ${tookMs} ms, ${service.mostAtOnce} at once; longest read beside ${Math.round(longestMs)} ms`,
  )
  assert.ok(service.mostAtOnce <= 8, `${service.mostAtOnce} at once`)
  // What the service refuses is held on to, and nothing else.
  assert.deepEqual([second.operator.leases().length, service.alive.size], [refused, refused])
})

async function minterOf(host: PluginHost): Promise<() => Promise<unknown>> {
  const token = await tokenOf(host.auth())
  const asked = { namespace: '', path: 'keys/keys', query: {}, wrapTtlMs: 0, body: undefined, requestId: 'r' } as const
  return () => host.send({ operation: 'read', token, repeatable: false, ...asked }, { timeoutMs: 30_000 })
}

interface Service {
  readonly server: Server
  readonly alive: Set<string>
  mostAtOnce: number
  refusals: number
}

async function startService(): Promise<Service> {
  let count = 0
  let atOnce = 0
  const server = createServer(async (request, response) => {
    if (request.method === 'POST') {
      count += 1
      service.alive.add(`k${count}`)
      response.end(`k${count}`)
      return
    }
    const id = (request.url ?? '').slice(1)
    atOnce += 1
    service.mostAtOnce = Math.max(service.mostAtOnce, atOnce)
    await sleep(1)
    atOnce -= 1
    if (Number(id.slice(1)) % 100 === 0) {
      service.refusals += 1
      response.writeHead(500)
    } else service.alive.delete(id)
    response.end()
  })
  const service: Service = { server, alive: new Set(), mostAtOnce: 0, refusals: 0 }
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return service
}
