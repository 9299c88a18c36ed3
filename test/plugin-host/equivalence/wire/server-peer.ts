import { chmodSync, copyFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import type { TestContext } from 'node:test'
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

async function sendTo(address: string, request: WireRequest): Promise<WireAnswer> {
  const { method, path, body, token = '', wrapTtl } = request
  const response = await fetch(`${address}/v1/${encoded(path)}`, {
    method,
    redirect: 'manual',
    headers: {
      'x-vault-request': 'true',
      ...(token === '' ? {} : { 'x-vault-token': token }),
      ...(wrapTtl === undefined ? {} : { 'x-vault-wrap-ttl': wrapTtl }),
      ...(method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}),
    },
    ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
  })
  const text = await response.text()
  const isJson = response.headers.get('content-type')?.startsWith('application/json') === true
  return { status: response.status, body: text === '' ? undefined : isJson ? JSON.parse(text) : text }
}

/** Percent-encodes what a URL cannot hold, segment by segment; the query stands as it is. */
function encoded(path: string): string {
  const [, name = '', query = ''] = /^([^?]*)(\?.*)?$/s.exec(path) ?? []
  return name.split('/').map(encodeURIComponent).join('/') + query
}
