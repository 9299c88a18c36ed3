import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { PluginHost } from '../../../lib/plugin-host/index.ts'
import { createCertificate } from '../../../lib/plugin-host/wire/certificate.ts'
import { buildPackage, builtPluginHost } from '../built-package.ts'
import { PATH, prepareGoKvProgram, senderOf, untilWritten, VALUE } from '../go-kv.ts'
import type { Contestant, Row, Settings } from '../row.ts'

const GOAL_MS = 250

/** From the first request to a mount whose plugin is not running, to its answer, less what the plugin's own start takes. */
export const rows: readonly Row[] = [
  {
    name: 'plugin-start',
    title: 'first answer of the Go kv plugin (v2), less spawn to handshake line of the same program by a bare script',
    peerName: `the goal, ${GOAL_MS} ms`,
    unit: 'ms',
    goal: { relation: '<=', ratio: 1 },
    prepare: prepareGoKvProgram,
    ours: (settings) => starts(settings, 'go-kv'),
  },
  {
    name: 'plugin-start-builtin',
    title: 'the same of the built-in kv (v2)',
    peerName: `the goal, ${GOAL_MS} ms`,
    unit: 'ms',
    goal: { relation: '<=', ratio: 1 },
    async prepare(scope): Promise<Settings> {
      await buildPackage()
      return { folder: await scope.folder() }
    },
    ours: (settings) => starts(settings, 'kv'),
  },
]

async function starts({ program, sha256, folder }: Settings, type: 'go-kv' | 'kv'): Promise<Contestant> {
  const { createPluginHost, createStorage, memory, rootKeyFile } = await builtPluginHost()
  const own = join(String(folder), `start-${process.pid}`)
  await mkdir(own)
  const driver = memory()
  const rootKey = rootKeyFile(join(own, 'root.key'), { create: true })
  const plugins = [{ name: 'go-kv', type: 'secret', command: String(program), sha256: String(sha256) }] as const
  const open = async (): Promise<PluginHost> =>
    createPluginHost({
      storage: await createStorage({ driver, rootKey }),
      processes: { folder: join(own, 'run') },
      plugins: type === 'kv' ? [] : plugins,
      mounts: { 'kv/': { type, options: { version: '2' } } },
    })
  const first = await open()
  const write = await senderOf(first, first.operatorAuth())
  await untilWritten(() => write('write', PATH, { data: VALUE }))
  await first.close()
  const [entry] = first.operator.plugins().filter(({ name }) => name === type)
  const command = type === 'kv' ? [process.execPath, ...(entry?.args ?? [])] : [String(program)]
  const { certPem } = await createCertificate()
  return {
    async round() {
      const host = await open()
      const read = await senderOf(host, host.auth())
      const bareMs = await ownStartMs(command, certPem)
      const beginMs = performance.now()
      await read('read', PATH)
      const ms = performance.now() - beginMs
      await host.close()
      const rssMb = process.memoryUsage.rss() / 1e6
      return {
        value: Math.max(0, ms - bareMs),
        against: GOAL_MS,
        cpuUs: Number.NaN,
        p50Us: ms * 1000,
        p99Us: bareMs * 1000,
        rssMb,
      }
    },
    close: async () => {},
  }
}

/** From the spawn of `command` to its handshake, with nobody who would speak to it. */
async function ownStartMs([file = '', ...args]: readonly string[], certificate: string): Promise<number> {
  const beginMs = performance.now()
  const child = spawn(file, args, {
    stdio: ['ignore', 'pipe', 'ignore'],
    env: {
      VAULT_BACKEND_PLUGIN: '6669da05-b1c8-4f49-97d9-c8e5bed98e20',
      VAULT_VERSION: '1.21.4',
      VAULT_PLUGIN_AUTOMTLS_ENABLED: 'true',
      PLUGIN_PROTOCOL_VERSIONS: '5',
      PLUGIN_CLIENT_CERT: certificate,
    },
  })
  const ended = once(child, 'exit')
  const line = once(createInterface({ input: child.stdout }), 'line').then(() => performance.now() - beginMs)
  const ms = await Promise.race([line, ended.then(() => undefined)])
  child.kill('SIGKILL')
  await ended
  if (ms === undefined) throw new Error('the plugin ended before its handshake')
  return ms
}
