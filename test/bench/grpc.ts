import type { TestContext } from 'node:test'
import { createCertificate } from '../../lib/plugin-host/wire/certificate.ts'
import { HealthService, StorageService } from '../../lib/plugin-host/wire/gen/services.ts'
import { type Channel, openChannel } from '../../lib/plugin-host/wire/grpc/channel.ts'
import { createGrpcServer } from '../../lib/plugin-host/wire/grpc/server.ts'
import { startPlugin } from '../support/go-plugin-process.ts'
import { builtPlugin, KV_PLUGIN } from '../support/go-plugins.ts'

// How fast our gRPC is, mutual TLS over a Unix socket; by hand: node -C portcullis-source test/bench/grpc.ts
const afters: (() => unknown)[] = []
const t = { after: (run: () => unknown) => afters.push(run) } as unknown as TestContext

/** Calls per second, and CPU of this process for each. */
async function measure(name: string, width: number, call: () => Promise<unknown>): Promise<void> {
  const run = async (calls: number): Promise<void> => {
    let left = calls
    const work = async (): Promise<void> => {
      while (left-- > 0) await call()
    }
    await Promise.all(Array.from({ length: width }, work))
  }
  await run(3_000)
  const calls = 20_000
  const [cpu, start] = [process.cpuUsage(), performance.now()]
  await run(calls)
  const { user, system } = process.cpuUsage(cpu)
  const perSecond = Math.round((calls / (performance.now() - start)) * 1_000)
  console.log(`${name}, ${width} in flight: ${perSecond}/s, ${((user + system) / calls).toFixed(0)} µs CPU a call`)
}

async function ownPeer(): Promise<Channel> {
  const [host, plugin] = await Promise.all([createCertificate(), createCertificate()])
  const server = createGrpcServer({ tls: { ca: host.certPem, cert: plugin.certPem, key: plugin.keyPem } })
  const value = Buffer.alloc(700, 'v')
  server.add(StorageService, { get: ({ key }) => ({ entry: { key, value, sealWrap: false }, err: '' }) })
  const address = await server.listen({ path: `/tmp/bench-${process.pid}` })
  afters.push(() => server.close(0))
  return openChannel(address, { tls: { ca: plugin.certPem, cert: host.certPem, key: host.keyPem } })
}

const { channel } = await startPlugin(t, await builtPlugin(KV_PLUGIN))
for (const width of [1, 16])
  await measure('client, Go peer', width, () => channel.unary(HealthService.check, { service: 'plugin' }))
const own = await ownPeer()
afters.push(() => own.close())
for (const width of [1, 16])
  await measure('client and server in one process, 700 bytes', width, () =>
    own.unary(StorageService.get, { key: 'k', txn: '' }, { metadata: { multiplex_id: 'a1' }, timeoutMs: 10_000 }),
  )
for (const after of afters.reverse()) await after()
