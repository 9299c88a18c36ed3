import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { baoProgram } from './bao-program.ts'
import { type Child, startChild, untilReady } from './child.ts'
import { freePort } from './free-port.ts'

/** How to start a server. */
export interface BaoOptions {
  /** Mounts `secret/` as KV v1 with leases. Default: KV v2. */
  readonly leasedKv?: boolean
  /** Lets audit devices be made by the API, which OpenBao refuses by default. */
  readonly apiAudit?: boolean
  /** More configuration, HCL or JSON. */
  readonly config?: string
  /** Default: random. */
  readonly rootToken?: string
}

type Headers = Readonly<Record<string, string>>

/** What the server said: status, and the JSON body where there was one. */
export interface BaoAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: answers of a real server; tests and examples reach into them.
  readonly body: any
}

/** A running OpenBao in dev mode: in memory, unsealed, on 127.0.0.1. */
export interface Bao {
  readonly address: string
  readonly rootToken: string
  /** Calls it past the gateway, as root. @throws {Error} for a status of 400 or more; the message has the server's words. */
  root(method: string, path: string, body?: object, headers?: Headers): Promise<BaoAnswer>
  /** Calls it past the gateway. Never throws for a status. */
  call(token: string | undefined, method: string, path: string, body?: object, headers?: Headers): Promise<BaoAnswer>
  /** What the process wrote so far. */
  log(): string
  /** Idempotent. */
  stop(): Promise<void>
}

/** Starts an OpenBao server; the program is downloaded the first time. @throws {UnavailableError} when it cannot be had. */
export async function launchBao(options: BaoOptions = {}): Promise<Bao> {
  const program = await baoProgram()
  const folder = mkdtempSync(join(tmpdir(), 'bao-'))
  for (let tries = 1; ; tries += 1) {
    try {
      return await launch(program, folder, options)
    } catch (error) {
      const isPortTaken = error instanceof Error && error.message.includes('address already in use')
      if (isPortTaken && tries < 3) continue
      rmSync(folder, { recursive: true, force: true })
      throw error
    }
  }
}

async function launch(program: string, folder: string, options: BaoOptions): Promise<Bao> {
  const listen = `127.0.0.1:${await freePort()}`
  const rootToken = options.rootToken ?? `root-${crypto.randomUUID()}`
  const child = startChild(program, argumentsOf(folder, listen, options), {
    cwd: folder,
    // The token goes by environment: arguments are readable to everyone on the machine.
    env: { HOME: folder, PATH: process.env.PATH, BAO_DEV_ROOT_TOKEN_ID: rootToken },
  })
  const address = `http://${listen}`
  await untilReady(child, 'bao', () => isHealthy(address)).catch(async (error: unknown) => {
    await child.stop('SIGKILL')
    throw error
  })
  return baoOf(child, address, rootToken, folder)
}

function argumentsOf(folder: string, listen: string, options: BaoOptions): readonly string[] {
  const config = [options.config ?? '', options.apiAudit === true ? 'unsafe_allow_api_audit_creation = true' : '']
  const text = config.filter((part) => part !== '').join('\n')
  if (text !== '') writeFileSync(join(folder, 'config.hcl'), `${text}\n`, { mode: 0o600 })
  return [
    'server',
    '-dev',
    '-dev-no-store-token',
    `-dev-listen-address=${listen}`,
    ...(options.leasedKv === true ? ['-dev-leased-kv'] : []),
    ...(text === '' ? [] : [`-config=${join(folder, 'config.hcl')}`]),
  ]
}

async function isHealthy(address: string): Promise<boolean> {
  try {
    const response = await fetch(`${address}/v1/sys/health`)
    await response.arrayBuffer()
    // Healthy comes before `secret/` is mounted: a dev server mounts it last.
    return response.status === 200
  } catch {
    return false
  }
}

function baoOf(child: Child, address: string, rootToken: string, folder: string): Bao {
  const call: Bao['call'] = (token, method, path, body, headers = {}) =>
    callServer(address, method, path, body, { ...headers, ...(token === undefined ? {} : { 'x-vault-token': token }) })
  return {
    address,
    rootToken,
    call,
    async root(method, path, body, headers): Promise<BaoAnswer> {
      let answer = await call(rootToken, method, path, body, headers)
      // A dev server is healthy before its kv mount is ready, and refuses it meanwhile.
      for (let tries = 0; tries < 100 && isUpgrading(answer); tries += 1) {
        await wait(50)
        answer = await call(rootToken, method, path, body, headers)
      }
      if (answer.status >= 400)
        throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body?.errors ?? answer.body)}`)
      return answer
    },
    log: () => child.log(),
    async stop(): Promise<void> {
      await child.stop('SIGTERM')
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function isUpgrading({ status, body }: BaoAnswer): boolean {
  return status === 400 && String(body?.errors?.[0]).startsWith('Upgrading from non-versioned')
}

async function callServer(
  address: string,
  method: string,
  path: string,
  body: object | undefined,
  headers: Headers,
): Promise<BaoAnswer> {
  const response = await fetch(`${address}/v1/${path}`, {
    method,
    redirect: 'manual',
    headers: { 'x-vault-request': 'true', ...headers },
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return { status: response.status, body: text === '' ? undefined : isJson ? JSON.parse(text) : text }
}
