import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goPlugin, KV_PLUGIN } from '../../support/go-plugins.ts'
import { CALL, entryOf, mountOf, request, rig, servicesOf } from './plugins-for-test.ts'

test('kv 0.25.0 stores, reads and lists through the host, v2 with its storage under the mount', async (t) => {
  const entry = entryOf(await goPlugin(t, KV_PLUGIN), { name: 'kv' })
  const { plugins } = rig(t)
  const backend = await plugins.backend(entry, mountOf('kv/', { options: { version: '2' } }), servicesOf())
  assert.deepEqual(backend.specialPaths.root, [])
  await backend.handle(request('create', 'data/a', { data: { x: 1 } }), CALL)
  const { response } = await backend.handle(request('read', 'data/a'), CALL)
  assert.deepEqual(JSON.parse(response?.data ?? '').data, { x: 1 })
})
