import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryHost } from '../../../../lib/plugin/testing/memory-host.ts'
import { dying } from './dying-host.ts'
import { mountKv } from './mounted.ts'

const NAMES = ['app', 'app/below', 'a b/50%/x..y', 'ü']
const FIRST = { created_time: '2026-01-01T00:00:00.000Z', custom_metadata: null, deletion_time: '', destroyed: false }

test('a mount that becomes version 2 has its secrets as their first versions', async () => {
  const host = createMemoryHost()
  const before = await mountKv('1', { host })
  for (const name of NAMES) await before.request('write', name, { name })
  const after = await mountKv('2', { host })
  for (const name of NAMES) {
    const { data } = await after.request('read', `data/${name}`)
    assert.deepEqual(data?.data, { name })
    assert.deepEqual(data?.metadata, { ...FIRST, version: 1 })
  }
  assert.deepEqual(
    [...host.entries.keys()].filter((key) => key.startsWith('secrets/')),
    [],
  )
})

for (let writes = 0; writes <= 3 * NAMES.length; writes += 1)
  test(`an upgrade that is cut off after ${writes} changes goes on at the next start`, async () => {
    const host = createMemoryHost({ hasTransactions: false })
    const before = await mountKv('1', { host })
    for (const name of NAMES) await before.request('write', name, { name })
    await mountKv('2', { host: dying(host, writes) }).catch(() => undefined)
    const after = await mountKv('2', { host })
    for (const name of NAMES) assert.deepEqual((await after.request('read', `data/${name}`)).data?.data, { name })
    await after.request('write', 'data/app', { data: { changed: true } })
    const again = await mountKv('2', { host })
    assert.deepEqual((await again.request('read', 'data/app')).data?.data, { changed: true })
  })
