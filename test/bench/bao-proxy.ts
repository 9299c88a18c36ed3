import { writeFile } from 'node:fs/promises'
import { type Bao, launchBao } from '../../examples/support/bao.ts'
import { baoProgram } from '../../examples/support/bao-program.ts'
import { startChild, untilReady } from '../../examples/support/child.ts'
import { freePort } from '../../examples/support/free-port.ts'
import type { Scope } from './scope.ts'

/** A server with a leased secret at `secret/orders`, and the field's own caching proxy in front of it. */
export interface BaoProxy {
  readonly server: string
  readonly token: string
  readonly proxy: string
}

/** Starts both; they end with `scope`. @throws {UnavailableError} when the program cannot be had. */
export async function startBaoProxy(scope: Scope): Promise<BaoProxy> {
  // `secret/` as leased KV: what has a `ttl` is read with a renewable lease, as from a database, without one.
  const bao = await launchBao({ leasedKv: true })
  scope.add(() => bao.stop())
  await bao.root('POST', 'secret/orders', { ttl: '1h', username: 'orders', password: 'correct-horse-battery-staple' })
  return { server: bao.address, token: bao.rootToken, proxy: await startProxy(scope, bao) }
}

async function startProxy(scope: Scope, bao: Bao): Promise<string> {
  const folder = await scope.folder()
  const listen = `127.0.0.1:${await freePort()}`
  await writeFile(`${folder}/token`, bao.rootToken, { mode: 0o600 })
  await writeFile(`${folder}/proxy.hcl`, proxyConfig(bao.address, listen, folder))
  const child = startChild(await baoProgram(), ['proxy', `-config=${folder}/proxy.hcl`], {
    cwd: folder,
    env: { HOME: folder },
  })
  scope.add(() => child.stop('SIGKILL'))
  await untilReady(child, 'bao proxy', () => isAnswering(`http://${listen}/v1/secret/orders`))
  return `http://${listen}`
}

function proxyConfig(server: string, listen: string, folder: string): string {
  return `
vault { address = "${server}" }
auto_auth { method "token_file" { config = { token_file_path = "${folder}/token" } } }
api_proxy { use_auto_auth_token = true }
cache {}
listener "tcp" {
  address = "${listen}"
  tls_disable = true
}
`
}

async function isAnswering(url: string): Promise<boolean> {
  try {
    const response = await fetch(url)
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  }
}
