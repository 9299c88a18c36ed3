import { createHash } from 'node:crypto'
import { copyFile, mkdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { launchBao } from '../../examples/support/bao.ts'
import type { Gateway } from '../../lib/index.ts'
import type { PluginHost, Storage } from '../../lib/plugin-host/index.ts'
import type { AuthMethod, LoginContext } from '../../lib/ports/auth-method.ts'
import { builtPlugin, KV_PLUGIN } from '../support/go-plugins.ts'
import { buildPackage, builtGateway, builtPluginHost } from './built-package.ts'
import { GUARDRAILS, ORDERS } from './governed.ts'
import { processWithArgument } from './processes.ts'
import type { Settings } from './row.ts'
import type { Scope } from './scope.ts'

/** Where the secret lies that is read: KV v2, 5 fields, as {@link VALUE}. */
export const PATH = 'kv/data/orders/database'
export const VALUE: Readonly<Record<string, string>> = {
  username: 'v-token-orders-7f3c1b7e',
  password: 'correct-horse-battery-staple-0f0f',
  host: 'db-1.internal.example',
  port: '5432',
  database: 'orders',
}

/** Where the host keeps what it stores; behind the barrier both times. */
export type Driver = 'memory' | 'lmdb'

/** Builds the package and the plugin, and mounts the plugin's program in a real server. */
export async function prepareGoKv(scope: Scope): Promise<Settings> {
  const prepared = await prepareGoKvProgram(scope)
  const { program, sha256, folder } = prepared
  const plugins = join(String(folder), 'plugins')
  await mkdir(plugins)
  await copyFile(String(program), join(plugins, 'go-kv'))
  const bao = await launchBao({ config: `plugin_directory = ${JSON.stringify(plugins)}` })
  scope.add(() => bao.stop())
  await bao.root('POST', 'sys/plugins/catalog/secret/go-kv', { sha256, command: 'go-kv' })
  await bao.root('POST', 'sys/mounts/kv', { type: 'go-kv' })
  // Only its own kv may be given a version from the start.
  await bao.root('POST', 'sys/mounts/kv/tune', { options: { version: '2' } })
  await untilWritten(() => bao.root('POST', PATH, { data: VALUE }))
  const listen = new URL(bao.address).host
  const pid = processWithArgument(`-dev-listen-address=${listen}`) ?? 0
  return { ...prepared, address: bao.address, token: bao.rootToken, pid }
}

/** Builds the package and the plugin. */
export async function prepareGoKvProgram(scope: Scope): Promise<Settings> {
  const [program] = await Promise.all([builtPlugin(KV_PLUGIN), buildPackage()])
  return { program, sha256: await sha256Of(program), folder: await scope.folder() }
}

/** A mount of version 2 refuses writes until it has been upgraded to it. */
export async function untilWritten(write: () => Promise<unknown>): Promise<void> {
  for (let tries = 100; ; tries -= 1) {
    try {
      await write()
      return
    } catch (error) {
      if (tries === 0) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
}

async function sha256Of(path: string): Promise<string> {
  return createHash('sha256')
    .update(await readFile(path))
    .digest('hex')
}

/** A host with the plugin mounted at `kv/`, and the secret written. */
export async function hostWithGoKv({ program, sha256, folder }: Settings, driver: Driver): Promise<PluginHost> {
  const own = join(String(folder), `host-${driver}-${process.pid}`)
  await mkdir(own)
  const { createPluginHost } = await builtPluginHost()
  const host = await createPluginHost({
    storage: await openStorage(own, driver),
    processes: { folder: join(own, 'run') },
    plugins: [{ name: 'go-kv', type: 'secret', command: String(program), sha256: String(sha256) }],
    mounts: { 'kv/': { type: 'go-kv', options: { version: '2' } } },
  })
  const send = await senderOf(host, host.operatorAuth())
  await untilWritten(() => send('write', PATH, { data: VALUE }))
  return host
}

/** Storage below `folder`, with a key of its own. */
export async function openStorage(folder: string, driver: Driver): Promise<Storage> {
  const { createStorage, lmdb, memory, rootKeyFile } = await builtPluginHost()
  return createStorage({
    driver: driver === 'lmdb' ? lmdb(join(folder, 'storage')) : memory(),
    rootKey: rootKeyFile(join(folder, 'root.key'), { create: true }),
  })
}

/** A way to send requests past any gateway. */
export type Send = (operation: 'read' | 'write', path: string, body?: object) => Promise<unknown>

/** Sends as a gateway would that lies before it: one login, then the same token every time. */
export async function senderOf(host: PluginHost, method: AuthMethod): Promise<Send> {
  const { grant } = await method.login(NO_CONTEXT)
  const { token } = grant
  return (operation, path, body) =>
    host.send(
      {
        operation,
        namespace: '',
        path,
        query: {},
        body: body === undefined ? undefined : JSON.stringify(body),
        wrapTtlMs: 0,
        token,
        requestId: 'bench',
        repeatable: false,
      },
      { timeoutMs: 30_000 },
    )
}

/** The host's own access asks for nothing. */
const NO_CONTEXT: LoginContext = {
  send: () => Promise.reject(new Error('nothing is to be sent')),
  readText: () => Promise.reject(new Error('nothing is to be read')),
  wallTime: () => Date.now(),
  variable: () => undefined,
}

/** Governed as in the other rows: two policies, audit to a file. */
export async function governedHost(host: PluginHost, auditPath: string): Promise<Gateway> {
  const { createGateway, file } = await builtGateway()
  return createGateway(
    {
      server: host,
      policies: [ORDERS, GUARDRAILS],
      caller: { service: 'orders', component: 'checkout' },
      audit: { devices: [file(auditPath)] },
    },
    { environment: {} },
  )
}
