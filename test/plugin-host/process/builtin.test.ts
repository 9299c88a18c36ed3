import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { callback, createGateway } from 'portcullis'
import { createPluginHost, createStorage, memory, rootKeyOf } from 'portcullis/plugin-host'
import { folderFor } from '../../system/folder.ts'

/** Processes of the built-in plugins that this process started. */
function builtinProcesses(): readonly string[] {
  return readdirSync('/proc').filter((name) => {
    try {
      const isOurs = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(process.pid)
      return isOurs && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('builtin/main')
    } catch {
      return false
    }
  })
}

test('all mounts of built-in secrets engines share one process, and no storage', {
  skip: process.platform !== 'linux' && 'reads /proc',
}, async (t) => {
  const host = await createPluginHost({
    storage: await createStorage({ driver: memory(), rootKey: rootKeyOf(new Uint8Array(32).fill(7)) }),
    processes: { folder: await folderFor(t) },
    mounts: { kv: { type: 'kv' }, kv2: { type: 'kv', options: { version: '2' } }, transit: { type: 'transit' } },
  })
  const gateway = await createGateway({
    server: host,
    dangerouslyAllowEverything: true,
    audit: { devices: [callback('none', () => {})] },
  })
  t.after(() => gateway.close())
  await gateway.write('kv/a', { x: 1 })
  await gateway.write('kv2/data/a', { data: { x: 2 } })
  await gateway.write('transit/keys/k', {})

  assert.equal(builtinProcesses().length, 1)
  assert.deepEqual((await gateway.read('kv/a')).data, { x: 1 })
  assert.deepEqual((await gateway.read('kv2/data/a')).data.data, { x: 2 })
  assert.deepEqual((await gateway.list('kv')).data, { keys: ['a'] })
  assert.deepEqual((await gateway.list('transit/keys')).data, { keys: ['k'] })
})
