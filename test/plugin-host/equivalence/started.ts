import type { TestContext } from 'node:test'
import { builtinTable } from '../../../lib/plugin/builtin/index.ts'
import { createPluginHost, memory, type PluginHostOptions } from '../../../lib/plugin-host/index.ts'
import type { Bao } from '../../support/bao.ts'
import type { BaoWithPlugins } from '../../support/bao-plugins.ts'
import { rig } from '../process/plugins-for-test.ts'
import { baoPeer } from './bao-peer.ts'
import { hostPeer } from './host-peer.ts'
import type { Peer } from './peer.ts'

/** The server's own kv, on new mounts that the script knows as `v1` and `v2`. */
export async function serverKv(bao: Bao, name: string): Promise<Peer> {
  for (const version of ['1', '2'])
    await bao.root('POST', `sys/mounts/${name}-${version}`, { type: 'kv', options: { version } })
  return baoPeer(bao, { v1: `${name}-1`, v2: `${name}-2` })
}

/** Our kv as a plugin of that server: one catalog entry for each version, told apart by their arguments. */
export async function pluginKv({ bao, register }: BaoWithPlugins): Promise<Peer> {
  for (const version of ['1', '2']) {
    const name = `portcullis-kv-${version}`
    await register('secret', name, 'lib/plugin/builtin/main.ts', { args: [`--version=${version}`] })
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
