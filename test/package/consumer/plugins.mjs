import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callback, createGateway } from 'portcullis'
import * as sdk from 'portcullis/plugin'
import * as testing from 'portcullis/plugin/testing'
import * as host from 'portcullis/plugin-host'

const folder = mkdtempSync(join(tmpdir(), 'consumer-'))
const drivers = {
  lmdb: () => host.lmdb(join(folder, 'storage')),
  postgres: () => host.postgres({}),
  memory: host.memory,
}
const driver = drivers[process.argv[2]]()
const storage = await host.createStorage({
  driver,
  rootKey: host.rootKeyOf(crypto.getRandomValues(new Uint8Array(32))),
})
const plugins = await host.createPluginHost({
  storage,
  processes: { folder: join(folder, 'run') },
  mounts: { secret: { type: 'kv', options: { version: '2' } } },
})
const gateway = await createGateway({
  server: plugins,
  dangerouslyAllowEverything: true,
  audit: { devices: [callback('none', () => undefined)] },
})
await gateway.kv('secret').write('theme', { color: 'green' })
const { value } = await gateway.kv('secret').read('theme')
await gateway.close()
rmSync(folder, { recursive: true })

const clock = sdk.definePlugin({
  name: 'clock',
  type: 'secret',
  paths: [sdk.path('now', { read: () => sdk.data({ now: 1 }) })],
})
const { data } = await (await testing.testPlugin(clock)).request('read', 'now')

console.log(
  JSON.stringify({ value, data, host: Object.keys(host), sdk: Object.keys(sdk), testing: Object.keys(testing) }),
)
