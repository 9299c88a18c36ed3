import { realpathSync } from 'node:fs'
import type { TestContext } from 'node:test'
import { createPluginHost, createStorage, memory, rootKeyOf } from 'portcullis/plugin-host'
import { startBaoWithPlugins } from '../../support/bao-plugins.ts'
import { startHostServer } from '../../support/host-server.ts'
import { ROOT } from '../../support/imports.ts'
import { temporaryFolder } from './command.ts'

/** Someone that the command line administers: a real server, or a host of ours behind HTTP. */
export interface Administered {
  readonly name: 'bao' | 'host'
  readonly address: string
  readonly token: string
  /** Where a server runs plugins from; a host takes them where they are. */
  readonly pluginDirectory: string | undefined
  /** As its operator. @throws {Error} for a status of 400 or more. */
  // biome-ignore lint/suspicious/noExplicitAny: answers of a server; tests reach into them.
  call(method: string, path: string, body?: object): Promise<any>
}

/** Both, with nothing in their catalogs but what they come with. */
export async function administered(t: TestContext): Promise<readonly [bao: Administered, host: Administered]> {
  const [{ bao, folder }, host] = await Promise.all([startBaoWithPlugins(t), ourHost(t)])
  return [
    administeredAt({ name: 'bao', address: bao.address, token: bao.rootToken, pluginDirectory: folder }),
    administeredAt({ name: 'host', ...host, pluginDirectory: undefined }),
  ]
}

function administeredAt(peer: Omit<Administered, 'call'>): Administered {
  return {
    ...peer,
    async call(method, path, body) {
      const response = await fetch(`${peer.address}/v1/${path}`, {
        ...{ method, headers: { 'x-vault-token': peer.token } },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      })
      const text = await response.text()
      if (response.status >= 400) throw new Error(`${peer.name}: ${method} ${path}: ${response.status} ${text}`)
      return text === '' ? undefined : JSON.parse(text)
    },
  }
}

async function ourHost(t: TestContext): Promise<{ readonly address: string; readonly token: string }> {
  const rootKey = rootKeyOf(crypto.getRandomValues(new Uint8Array(32)))
  const storage = await createStorage({ driver: memory(), rootKey })
  const sandboxPaths = [ROOT, process.execPath].map((path) => realpathSync(path))
  const host = await createPluginHost({ storage, processes: { folder: temporaryFolder(t), sandboxPaths } })
  t.after(() => host.close())
  return startHostServer(t, host)
}
