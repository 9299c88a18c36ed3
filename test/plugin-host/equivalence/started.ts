import { createHash } from 'node:crypto'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { type Bao, launchBao } from '../../../examples/support/bao.ts'
import { builtinTable } from '../../../lib/plugin/builtin/index.ts'
import { createPluginHost, memory, type PluginHostOptions } from '../../../lib/plugin-host/index.ts'
import { launched } from '../../support/real-servers.ts'
import { rig } from '../process/plugins-for-test.ts'
import { baoPeer } from './bao-peer.ts'
import { hostPeer } from './host-peer.ts'
import type { Peer } from './peer.ts'

/** A server that runs plugins from a folder of its own. */
export async function startPluginBao(t: TestContext): Promise<{ readonly bao: Bao; readonly folder: string }> {
  const folder = mkdtempSync(join(tmpdir(), 'bao-plugins-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const bao = await launched(t, () => launchBao({ config: `plugin_directory = "${folder}"` }))
  return { bao, folder }
}

/** The server's own kv, on new mounts that the script knows as `v1` and `v2`. */
export async function serverKv(bao: Bao, name: string): Promise<Peer> {
  for (const version of ['1', '2'])
    await bao.root('POST', `sys/mounts/${name}-${version}`, { type: 'kv', options: { version } })
  return baoPeer(bao, { v1: `${name}-1`, v2: `${name}-2` })
}

/** Our kv as a plugin of that server: one catalog entry for each version, told apart by their arguments. */
export async function pluginKv(bao: Bao, folder: string): Promise<Peer> {
  const [kv] = builtinTable()
  const words = [process.execPath, '-C', 'portcullis-source', ...(kv?.args ?? [])].map((word) => `'${word}'`)
  const file = join(folder, 'portcullis-kv')
  writeFileSync(file, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`)
  chmodSync(file, 0o755)
  const sha256 = createHash('sha256').update(readFileSync(file)).digest('hex')
  for (const version of ['1', '2']) {
    const name = `portcullis-kv-${version}`
    await bao.root('POST', `sys/plugins/catalog/secret/${name}`, {
      ...{ sha256, command: 'portcullis-kv', args: [`--version=${version}`] },
    })
    await bao.root('POST', `sys/mounts/ours-${version}`, { type: name })
  }
  return baoPeer(bao, { v1: 'ours-1', v2: 'ours-2' })
}

/** Our kv in our host, in a process of its own. */
export async function hostKv(t: TestContext, options: Partial<PluginHostOptions> = {}): Promise<Peer> {
  const { plugins } = rig(t)
  const host = await createPluginHost(
    {
      storage: memory(),
      mounts: { v1: { type: 'kv', options: { version: '1' } }, v2: { type: 'kv', options: { version: '2' } } },
      ...options,
    },
    { plugins, builtins: builtinTable() },
  )
  t.after(() => host.close())
  const { grant } = await host.auth().login({} as Parameters<ReturnType<typeof host.auth>['login']>[0])
  return hostPeer(host, grant.token)
}
