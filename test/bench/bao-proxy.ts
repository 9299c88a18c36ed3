import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { type AddressInfo, createServer } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { request } from 'undici'
import { end } from './child.ts'
import type { Scope } from './scope.ts'

const ROOT = 'root-of-the-benchmark'
const READY_MS = 15_000

/** A server with a leased secret at `secret/orders`, and the field's own caching proxy in front of it. */
export interface BaoProxy {
  readonly server: string
  readonly token: string
  readonly proxy: string
}

/** Starts both from `binary`; they end with `scope`. @throws {Error} when one does not come up. */
export async function startBaoProxy(scope: Scope, binary: string): Promise<BaoProxy> {
  const folder = await scope.folder()
  const serverPort = await freePort()
  let proxyPort = await freePort()
  // A dev server takes the port after its own too.
  while (proxyPort === serverPort + 1) proxyPort = await freePort()
  const server = `http://127.0.0.1:${serverPort}`
  const proxy = `http://127.0.0.1:${proxyPort}`
  // `-dev-leased-kv`: reads of what has a `ttl` come with a renewable lease, as a database's would, without a database.
  const flags = [
    '-dev',
    `-dev-root-token-id=${ROOT}`,
    `-dev-listen-address=127.0.0.1:${serverPort}`,
    '-dev-no-store-token',
  ]
  start(scope, binary, ['server', ...flags, '-dev-leased-kv'], folder)
  await until(async () => (await statusOf(`${server}/v1/sys/health`)) === 200)
  const body = JSON.stringify({ ttl: '1h', username: 'orders', password: 'correct-horse-battery-staple' })
  await request(`${server}/v1/secret/orders`, { method: 'POST', headers: { 'x-vault-token': ROOT }, body })
  await writeFile(`${folder}/token`, ROOT, { mode: 0o600 })
  await writeFile(`${folder}/proxy.hcl`, proxyConfig(server, `127.0.0.1:${proxyPort}`, folder))
  start(scope, binary, ['proxy', `-config=${folder}/proxy.hcl`], folder)
  await until(async () => (await statusOf(`${proxy}/v1/secret/orders`)) === 200)
  return { server, token: ROOT, proxy }
}

function proxyConfig(server: string, address: string, folder: string): string {
  return `
vault { address = "${server}" }
auto_auth { method "token_file" { config = { token_file_path = "${folder}/token" } } }
api_proxy { use_auto_auth_token = true }
cache {}
listener "tcp" {
  address = "${address}"
  tls_disable = true
}
`
}

function start(scope: Scope, binary: string, args: readonly string[], home: string): ChildProcess {
  const child = spawn(binary, args, { stdio: 'ignore', cwd: home, env: { HOME: home } })
  child.on('error', () => {})
  scope.add(() => end(child))
  return child
}

/** A port that nobody listens on now. */
async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1')
  await once(probe, 'listening')
  const { port } = probe.address() as AddressInfo
  probe.close()
  return port
}

async function statusOf(url: string): Promise<number> {
  try {
    const { statusCode, body } = await request(url)
    await body.dump()
    return statusCode
  } catch {
    return 0
  }
}

async function until(isReady: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + READY_MS
  while (!(await isReady())) {
    if (performance.now() > endMs) throw new Error(`bao did not come up within ${READY_MS} ms`)
    await setTimeout(50)
  }
}
