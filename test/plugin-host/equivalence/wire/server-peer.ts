import { Buffer } from 'node:buffer'
import { chmodSync, copyFileSync } from 'node:fs'
import { type RequestOptions, request } from 'node:http'
import { basename, join } from 'node:path'
import type { TestContext } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { startBaoWithPlugins } from '../../../support/bao-plugins.ts'
import type { Peer, WireAnswer, WireRequest } from './peer.ts'

/** A real server, and the folder that it runs plugins from. */
export interface ServerPeer extends Peer {
  /** Copies a program to where the server runs plugins from. Gives the `command` to register. */
  place(program: string): string
}

export async function serverPeer(t: TestContext): Promise<ServerPeer> {
  const { bao, folder } = await startBaoWithPlugins(t)
  return {
    name: 'server',
    place(program) {
      // A copy: the server runs nothing that lies elsewhere.
      copyFileSync(program, join(folder, basename(program)))
      chmodSync(join(folder, basename(program)), 0o755)
      return basename(program)
    },
    send: (request) => sendTo(bao.address, { token: bao.rootToken, ...request }),
  }
}

async function sendTo(address: string, asked: WireRequest): Promise<WireAnswer> {
  const { method, path, body, token = '', wrapTtl } = asked
  const { status, type, text } = await exchange(`${address}/v1/`, encoded(path), body, {
    method,
    headers: {
      'x-vault-request': 'true',
      ...(token === '' ? {} : { 'x-vault-token': token }),
      ...(wrapTtl === undefined ? {} : { 'x-vault-wrap-ttl': wrapTtl }),
      ...(method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}),
    },
  })
  if (text === '') return { status, body: undefined }
  return { status, body: type.startsWith('application/json') ? withoutDoubles(JSON.parse(text)) : text }
}

/** Not by `fetch`, which would straighten out odd paths before they are sent. */
function exchange(
  base: string,
  path: string,
  body: unknown,
  options: RequestOptions,
): Promise<{ readonly status: number; readonly type: string; readonly text: string }> {
  const { hostname, port, pathname } = new URL(base)
  return new Promise((resolve, reject) => {
    const sent = request({ ...options, hostname, port, path: pathname + path }, (response) => {
      const parts: Buffer[] = []
      response.on('data', (part: Buffer) => parts.push(part))
      response.on('error', reject)
      response.on('end', () => {
        const type = response.headers['content-type'] ?? ''
        resolve({ status: response.statusCode ?? 0, type, text: Buffer.concat(parts).toString() })
      })
    })
    sent.on('error', reject)
    sent.end(body === undefined ? undefined : typeof body === 'string' ? body : JSON.stringify(body))
  })
}

const ENVELOPE: readonly string[] = ['request_id', 'lease_id', 'renewable', 'lease_duration', 'warnings', 'auth']

/** A few answers of `sys/` stand, from of old, beside `data` too; a gateway reads `data` alone. */
function withoutDoubles(body: Readonly<Record<string, unknown>>): object {
  const { data } = body
  if (typeof data !== 'object' || data === null) return body
  const inside = data as Readonly<Record<string, unknown>>
  const isDouble = (name: string): boolean =>
    !ENVELOPE.includes(name) && name in inside && isDeepStrictEqual(body[name], inside[name])
  return Object.fromEntries(Object.entries(body).filter(([name]) => name === 'data' || !isDouble(name)))
}

/** Percent-encodes what a URL cannot hold, segment by segment; the query stands as it is. */
function encoded(path: string): string {
  const [, name = '', query = ''] = /^([^?]*)(\?.*)?$/s.exec(path) ?? []
  return name.split('/').map(encodeURIComponent).join('/') + query
}
