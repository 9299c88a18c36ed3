import { spawn } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { request as httpRequest, type OutgoingHttpHeaders } from 'node:http'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type ListenerConfig, parseConfig, type Sidecar, type SidecarConfig, startSidecar } from 'portcullis/sidecar'
import { baoProgram } from '../../examples/support/bao-program.ts'
import type { Bao } from '../support/bao.ts'
import { temporaryFolder } from './real.ts'

/** A sidecar before `bao`, in this process. */
export interface World {
  readonly sidecar: Sidecar
  /** Of the first listener. */
  readonly address: string
  readonly folder: string
  /** Lines of its audit. */
  audit(): string
}

export const EVERYTHING: object = {
  policy: 'everything',
  rules: [
    { path: '*', operations: ['*'], effect: 'allow' },
    // A broad rule does not speak of leases that others use.
    { path: 'sys/leases/renew', operations: ['*'], effect: 'allow' },
    { path: 'sys/leases/revoke', operations: ['*'], effect: 'allow' },
  ],
}

export async function openWorld(
  t: TestContext,
  bao: Bao,
  change: Partial<SidecarConfig> = {},
  policies: readonly object[] = [EVERYTHING],
): Promise<World> {
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'policies'))
  for (const [at, policy] of policies.entries())
    writeFileSync(join(folder, 'policies', `${at}.json`), JSON.stringify(policy))
  writeFileSync(join(folder, 'token'), bao.rootToken, { mode: 0o600 })
  const config = await parseConfig('test', JSON.stringify(configOf(bao, folder, change)))
  const sidecar = await startSidecar(config)
  t.after(() => sidecar.close())
  const address = sidecar.addresses[0] ?? ''
  return { sidecar, address, folder, audit: () => readFileSync(join(folder, 'audit.jsonl'), 'utf8') }
}

/** Whoever comes is `test`. */
export const OPEN: ListenerConfig = { tcp: '127.0.0.1:0', caller: { service: 'test' } }

export function configOf(bao: Bao, folder: string, change: Partial<SidecarConfig> = {}): SidecarConfig {
  return {
    server: { address: bao.address, maxRetries: 0 },
    auth: { token: { tokenFile: join(folder, 'token') } },
    policies: { folder: join(folder, 'policies') },
    audit: { devices: [{ file: join(folder, 'audit.jsonl') }] },
    listeners: [OPEN],
    ...change,
  }
}

/** An answer as it came. */
export interface RawAnswer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
  readonly text: string
}

/** One request; the path goes out as it is written. */
export function ask(
  address: string,
  method: string,
  path: string,
  { body, headers = {} }: { readonly body?: string | Buffer; readonly headers?: OutgoingHttpHeaders } = {},
): Promise<RawAnswer> {
  const { hostname, port } = new URL(address)
  return new Promise((resolve, reject) => {
    const sent = httpRequest({
      ...{ hostname, port, method, path },
      headers: {
        'x-vault-request': 'true',
        ...(body === undefined ? {} : { 'content-length': Buffer.byteLength(body) }),
        ...headers,
      },
    })
    sent.once('error', reject).once('response', async (response) => {
      response.once('error', reject)
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      resolve({ status: response.statusCode ?? 0, headers: response.headers, text })
    })
    sent.end(body)
  })
}

/** The real command line of the server. */
export async function runBao(
  t: TestContext,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<{ readonly code: number | null; readonly stdout: string; readonly stderr: string }> {
  const home = temporaryFolder(t)
  const child = spawn(await baoProgram(), args, { cwd: home, env: { HOME: home, PATH: process.env.PATH, ...env } })
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name].setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  child.stdin.end()
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, ...texts }
}
