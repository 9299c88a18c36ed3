import { type BackendPlugin, definePlugin, path } from 'portcullis/plugin'
import { type PluginUnderTest, testPlugin } from 'portcullis/plugin/testing'
import {
  createPluginHost,
  createStorage,
  type HostEvent,
  memory,
  type PluginHost,
  rootKeyOf,
} from 'portcullis/plugin-host'

const plugin: BackendPlugin = definePlugin({
  name: 'clock',
  type: 'secret',
  paths: [path('now', { read: () => ({ data: { now: 1 } }) })],
})

export const mounted = (): Promise<PluginUnderTest> => testPlugin(plugin)
export const names: string[] = []

export async function start(): Promise<PluginHost> {
  const storage = await createStorage({ driver: memory(), rootKey: rootKeyOf(new Uint8Array(32)) })
  const onEvent = ({ name }: HostEvent): void => void names.push(name)
  return createPluginHost({ storage, processes: { folder: '/run/portcullis' }, onEvent })
}
