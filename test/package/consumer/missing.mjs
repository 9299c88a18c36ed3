import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { callback, createGateway, PortcullisError, ServerError } from 'portcullis'
import { createPluginHost, createStorage, inspectFile, lmdb, memory, postgres, rootKeyOf } from 'portcullis/plugin-host'

// What a service hears of packages that it has not installed; nothing of these is Node's own error.
const folder = mkdtempSync(join(tmpdir(), 'missing-'))
const rootKey = rootKeyOf(crypto.getRandomValues(new Uint8Array(32)))
const heard = {}

async function hear(what, run) {
  try {
    await run()
    heard[what] = 'nothing'
  } catch (error) {
    const words = error instanceof ServerError ? error.serverErrors().join() : error.message
    heard[what] = { isOurs: error instanceof PortcullisError, code: error.code, words }
  }
}

await hear('lmdb', () => createStorage({ driver: lmdb(join(folder, 'storage')), rootKey }))
await hear('postgres', () => createStorage({ driver: postgres({}), rootKey }))
await hear('inspect', () => inspectFile(import.meta.filename))
await hear('host', async () => {
  const host = await createPluginHost({
    storage: await createStorage({ driver: memory(), rootKey }),
    processes: { folder: join(folder, 'run') },
    mounts: { db: { type: 'database' } },
  })
  const gateway = await createGateway({
    server: host,
    dangerouslyAllowEverything: true,
    audit: { devices: [callback('none', () => undefined)] },
  })
  const connection_url = 'postgresql://{{username}}:{{password}}@127.0.0.1:1/x'
  const config = { plugin_name: 'postgresql-database-plugin', connection_url, username: 'u', password: 'p' }
  await gateway.write('db/config/main', config).finally(() => gateway.close())
})

// A plugin, started as a host starts it.
const plugin = join(import.meta.dirname, 'clock.mjs')
writeFileSync(
  plugin,
  `import { data, definePlugin, path, serve } from 'portcullis/plugin'
await serve(definePlugin({ name: 'clock', type: 'secret', paths: [path('now', { read: () => data({}) })] }))`,
)
const cookie = { VAULT_BACKEND_PLUGIN: '6669da05-b1c8-4f49-97d9-c8e5bed98e20' }
const { status, stderr } = spawnSync(process.execPath, [plugin], {
  env: { ...process.env, ...cookie },
  encoding: 'utf8',
})
heard.serve = { status, stderr }

rmSync(folder, { recursive: true })
console.log(JSON.stringify(heard))
