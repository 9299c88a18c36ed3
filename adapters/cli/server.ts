import { readFile } from 'node:fs/promises'
import { request as plainRequest } from 'node:http'
import { request as tlsRequest } from 'node:https'
import { homedir } from 'node:os'
import { join } from 'node:path'
import type { Command } from 'commander'
import { CommandError, UsageError } from './exit.ts'
import { shown } from './screen.ts'

/** Options of commands that speak to a server or a host. */
export interface ServerCommandOptions {
  readonly address?: string
  readonly namespace?: string
  readonly json?: boolean
}

/** Answers of a server, by status. */
export interface ServerAnswer {
  readonly status: number
  // biome-ignore lint/suspicious/noExplicitAny: the shapes of a server; each reader checks what it uses.
  readonly body: any
  /** The server's own time, as it said it. */
  readonly date: string | undefined
}

/** A server, or a host that answers as one does. */
export interface Server {
  readonly address: string
  readonly token: string
  readonly namespace: string | undefined
  /** File with certificates of authorities; `undefined`: those of the machine. */
  readonly caFile: string | undefined
  /** @throws {CommandError} it cannot be reached, or refused with a status of 400 or more, unless `allowed` has it. */
  call(
    method: 'GET' | 'POST' | 'DELETE',
    path: string,
    body?: object,
    allowed?: readonly number[],
  ): Promise<ServerAnswer>
}

const TIMEOUT_MS = 120_000
const MAX_ANSWER_BYTES = 16 * 1024 * 1024

export function withServer(command: Command): Command {
  return command
    .option('--address <url>', 'of the server or host (default: VAULT_ADDR or BAO_ADDR)')
    .option('--namespace <path>', 'default: VAULT_NAMESPACE or BAO_NAMESPACE')
    .option('--json', 'print JSON, for machines')
}

/** By options and environment. The token comes from the environment or from `~/.vault-token`, never from an argument, which others can read. */
export async function connect(options: ServerCommandOptions): Promise<Server> {
  const text = options.address ?? variable('ADDR')
  if (text === undefined) throw new UsageError('no server: set VAULT_ADDR, or give --address')
  const address = URL.canParse(text) ? new URL(text) : undefined
  if (address?.protocol !== 'http:' && address?.protocol !== 'https:')
    throw new UsageError(`the address must be a URL such as https://vault.example:8200, not ${JSON.stringify(text)}`)
  const token = variable('TOKEN') ?? (await readFile(join(homedir(), '.vault-token'), 'utf8').catch(() => '')).trim()
  if (token === '') throw new UsageError('no token: set VAULT_TOKEN')
  if (!/^[\x21-\x7e]+$/.test(token)) throw new UsageError('the token has characters that no token has')
  const namespace = options.namespace ?? variable('NAMESPACE')
  const caFile = variable('CACERT')
  const headers = {
    'x-vault-token': token,
    'x-vault-request': 'true',
    ...(namespace === undefined ? {} : { 'x-vault-namespace': namespace }),
  }
  const ca = caFile === undefined ? undefined : await readFile(caFile)
  const known = { address: text, token, namespace, caFile }
  return {
    ...known,
    call: (method, path, body, allowed = []) => call({ address, headers, ca }, method, path, body, allowed),
  }
}

function variable(name: string): string | undefined {
  const value = process.env[`VAULT_${name}`] || process.env[`BAO_${name}`]
  return value === '' ? undefined : value
}

interface Way {
  readonly address: URL
  readonly headers: Readonly<Record<string, string>>
  readonly ca: Buffer | undefined
}

async function call(
  way: Way,
  method: string,
  path: string,
  body: object | undefined,
  allowed: readonly number[],
): Promise<ServerAnswer> {
  const answer = await exchange(way, method, path, body).catch((cause: unknown) => {
    const reason = (cause as { readonly code?: string }).code ?? (cause as Error).message
    throw new CommandError(
      `${way.address.origin} did not answer ${method} ${path}: ${reason}`,
      'ERR_SERVER_UNREACHABLE',
    )
  })
  if (answer.status < 300 || allowed.includes(answer.status)) return answer
  const errors: unknown = answer.body?.errors
  const words = Array.isArray(errors) ? errors.map((line) => shown(String(line).trim())).join('; ') : ''
  throw new CommandError(
    `${method} ${path}: status ${answer.status}${words === '' ? '' : `: ${words}`}`,
    'ERR_SERVER_REFUSED',
  )
}

function exchange({ address, headers, ca }: Way, method: string, path: string, body?: object): Promise<ServerAnswer> {
  const url = new URL(`${address.pathname.replace(/\/$/, '')}/v1/${path}`, address)
  const text = body === undefined ? undefined : JSON.stringify(body)
  const options = {
    ...{ method, agent: false as const, signal: AbortSignal.timeout(TIMEOUT_MS) },
    headers: { ...headers, ...(text === undefined ? {} : { 'content-type': 'application/json' }) },
  }
  return new Promise((resolve, reject) => {
    const sent =
      url.protocol === 'https:' ? tlsRequest(url, { ...options, ...(ca && { ca }) }) : plainRequest(url, options)
    sent.once('error', reject).once('response', async (response) => {
      try {
        let size = 0
        const chunks: Buffer[] = []
        for await (const chunk of response as AsyncIterable<Buffer>) {
          size += chunk.length
          if (size > MAX_ANSWER_BYTES) throw new Error('the answer is too large')
          chunks.push(chunk)
        }
        const body = parsed(Buffer.concat(chunks).toString('utf8'))
        resolve({ status: response.statusCode ?? 0, body, date: response.headers.date })
      } catch (error) {
        sent.destroy()
        reject(error)
      }
    })
    sent.end(text)
  })
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** A name or path in a URL, its slashes kept. @throws {UsageError} for what is no path. */
export function urlPath(text: string): string {
  const segments = text.replace(/^\/|\/$/g, '').split('/')
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..'))
    throw new UsageError(`${JSON.stringify(text)} is no path`)
  return segments.map(encodeURIComponent).join('/')
}
