import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { JsonObject } from '../../../../lib/model/json.ts'
import { mountKv } from './mounted.ts'

const FIRST = { created_time: '2026-01-01T00:00:00.000Z', custom_metadata: null, deletion_time: '', destroyed: false }

test('each write makes a version, and all of them can be read', async () => {
  const kv = await mountKv('2')
  assert.deepEqual((await kv.request('write', 'data/app', { data: { v: 1 } })).data, { ...FIRST, version: 1 })
  await kv.request('write', 'data/app', { data: { v: 2 } })
  assert.deepEqual((await kv.request('read', 'data/app')).data?.data, { v: 2 })
  assert.deepEqual((await kv.request('read', 'data/app', { version: '1' })).data?.data, { v: 1 })
  assert.equal((await kv.request('read', 'data/app', { version: '3' })).status, 404)
  const { data } = await kv.request('read', 'metadata/app')
  assert.deepEqual(Object.keys((data?.versions ?? {}) as JsonObject), ['1', '2'])
})

test('a deleted version is 404 with its metadata, comes back, and is gone for good once destroyed', async () => {
  const kv = await mountKv('2')
  await kv.request('write', 'data/app', { data: { v: 1 } })
  assert.equal((await kv.request('delete', 'data/app')).status, 204)
  const deleted = await kv.request('read', 'data/app')
  assert.equal(deleted.status, 404)
  const metadata = { ...FIRST, deletion_time: FIRST.created_time, version: 1 }
  assert.deepEqual(deleted.data, { data: null, metadata })
  await kv.request('write', 'undelete/app', { versions: [1] })
  assert.deepEqual((await kv.request('read', 'data/app')).data?.data, { v: 1 })
  await kv.request('write', 'destroy/app', { versions: '1' })
  await kv.request('write', 'undelete/app', { versions: [1] })
  assert.deepEqual((await kv.request('read', 'data/app')).data, {
    data: null,
    metadata: { ...FIRST, destroyed: true, version: 1 },
  })
  assert.deepEqual(versionKeys(kv.storage), [], 'its data has left the storage')
})

test('check-and-set names the version that is replaced', async () => {
  const kv = await mountKv('2')
  const write = async (cas: number | undefined): Promise<string> => {
    const { status, errors } = await kv.request('write', 'data/app', {
      data: {},
      ...(cas === undefined ? {} : { options: { cas } }),
    })
    return errors[0] ?? String(status)
  }
  assert.equal(await write(1), 'check-and-set parameter did not match the current version')
  assert.equal(await write(0), '200')
  assert.equal(await write(0), 'check-and-set parameter did not match the current version')
  await kv.request('write', 'config', { cas_required: true })
  assert.equal(await write(undefined), 'check-and-set parameter required for this call')
  assert.equal(await write(1), '200')
})

test('versions beyond the limit leave the storage', async () => {
  const kv = await mountKv('2')
  await kv.request('write', 'metadata/app', { max_versions: 2 })
  for (const v of [1, 2, 3, 4]) await kv.request('write', 'data/app', { data: { v } })
  assert.equal(versionKeys(kv.storage).length, 2)
  assert.equal((await kv.request('read', 'data/app', { version: 2 })).status, 404)
  assert.equal((await kv.request('read', 'metadata/app')).data?.oldest_version, 3)
  for (let v = 0; v < 12; v += 1) await kv.request('write', 'data/ten', { data: { v } })
  assert.equal(versionKeys(kv.storage).length, 2 + 10)
})

test('a version ends by time, as the shorter of mount and secret says', async () => {
  const kv = await mountKv('2')
  await kv.request('write', 'config', { delete_version_after: '1h' })
  await kv.request('write', 'metadata/app', { delete_version_after: '10s' })
  await kv.request('write', 'data/app', { data: { v: 1 } })
  await kv.request('write', 'data/other', { data: { v: 1 } })
  kv.clock.jumpWall(9_999)
  assert.equal((await kv.request('read', 'data/app')).status, 200)
  kv.clock.jumpWall(1)
  assert.equal((await kv.request('read', 'data/app')).status, 404)
  assert.equal((await kv.request('read', 'subkeys/app')).status, 404)
  assert.equal((await kv.request('read', 'data/other')).status, 200)
  await kv.request('write', 'undelete/app', { versions: [1] })
  kv.clock.jumpWall(9_000)
  assert.equal((await kv.request('read', 'data/app')).status, 200, 'it lives as long again')
})

test('a time beyond the year 9999 is the end of that year, and no fault', async () => {
  const kv = await mountKv('2')
  await kv.request('write', 'config', { delete_version_after: '2562047h' })
  for (const path of ['data/app', 'data/app']) await kv.request('write', path, { data: {} })
  kv.clock.jumpWall(8_000 * 365 * 86_400_000)
  assert.equal((await kv.request('write', 'data/app', { data: {} })).status, 200)
})

test('removing metadata removes every version', async () => {
  const kv = await mountKv('2')
  for (const name of ['app', 'app/1', 'app/below']) await kv.request('write', `data/${name}`, { data: { name } })
  assert.equal((await kv.request('delete', 'metadata/app')).status, 204)
  assert.equal((await kv.request('read', 'data/app')).status, 404)
  assert.deepEqual((await kv.request('read', 'data/app/1')).data?.data, { name: 'app/1' })
  await kv.request('delete', 'metadata/app/1')
  await kv.request('delete', 'metadata/app/below')
  assert.equal(kv.storage.size, 0)
})

test('a list of 10,000 names is whole and sorted; pages of it join up', async () => {
  // A transaction of the host in memory copies all that it holds.
  const kv = await mountKv('2', { hasTransactions: false })
  for (let at = 0; at < 10_000; at += 1) await kv.request('write', `data/many/n${at}`, { data: { at } })
  const { data } = await kv.request('list', 'metadata/many')
  const names = data?.keys as readonly string[]
  assert.equal(names.length, 10_000)
  assert.deepEqual(names, names.toSorted())
  const pages: string[] = []
  for (;;) {
    const page = await kv.request('list', 'metadata/many', { after: pages.at(-1) ?? '', limit: 3_000 })
    if (page.status === 404) break
    pages.push(...((page.data?.keys ?? []) as readonly string[]))
  }
  assert.deepEqual(pages, names)
})

for (const name of [
  'a b',
  'q?x=1',
  'h#1',
  '50%',
  '%2E',
  'x..y',
  '€/ü/日本',
  '__proto__',
  'config',
  '1',
  '1/1',
  'data/x',
])
  test(`"${name}" is a name like any other, in data, metadata and lists`, async () => {
    const kv = await mountKv('2')
    await kv.request('write', `data/${name}`, { data: { name } })
    await kv.request('write', `metadata/${name}`, { custom_metadata: { name } })
    const { data } = await kv.request('read', `data/${name}`)
    assert.deepEqual(data?.data, { name })
    const folder = name.split('/').slice(0, -1).join('/')
    assert.deepEqual((await kv.request('list', `metadata/${folder}`)).data, { keys: [name.split('/').at(-1)] })
    await kv.request('delete', `metadata/${name}`)
    assert.equal(kv.storage.size, 0)
  })

test('what is no path of version 2 is 404 and says where to look', async () => {
  const kv = await mountKv('2')
  for (const [operation, path] of [
    ['read', 'app'],
    ['write', 'app'],
    ['list', ''],
    ['read', 'data'],
    ['delete', 'metadata'],
  ] as const) {
    const { status, warnings } = await kv.request(operation, path, { x: 1 })
    assert.equal(status, 404, `${operation} ${path}`)
    assert.match(warnings[0] ?? '', /below "data\/"/)
  }
})

test('a write to a folder is refused, also where a server lets it through', async () => {
  for (const version of ['1', '2'] as const) {
    const kv = await mountKv(version)
    for (const folder of ['data/', 'data/a/', 'metadata/', 'delete/', 'undelete/a/', 'destroy/'])
      assert.deepEqual(
        (await kv.request('write', folder, { data: {}, versions: [1], max_versions: 1 })).errors,
        ["cannot write to a path ending in '/'"],
        folder,
      )
    assert.equal(kv.storage.size, 0)
  }
})

test('a name that is too long is refused for every operation, and nothing is logged', async () => {
  const kv = await mountKv('2')
  const long = 'k'.repeat(1501)
  for (const operation of ['read', 'write', 'patch', 'delete'])
    assert.equal((await kv.request(operation, `data/${long}`, { data: {} })).status, 400, operation)
  assert.deepEqual(kv.logged, [])
})

test('a version of a mount is "1" or "2"', async () => {
  await assert.rejects(mountKv('2', { mountOptions: { version: '3' } }), /version must be "1" or "2", got "3"/)
})

test('fields that are ignored are warned of in an answer, and do not make one of nothing', async () => {
  const kv = await mountKv('2')
  const written = await kv.request('write', 'data/app', { data: {}, extra: 1 })
  assert.deepEqual(written.warnings, ['Endpoint ignored these unrecognized parameters: [extra]'])
  assert.equal((await kv.request('write', 'delete/app', { versions: [1], extra: 1 })).status, 204)
  const missing = await kv.request('read', 'data/none', { extra: 1 })
  assert.deepEqual([missing.status, missing.warnings], [404, []])
})

function versionKeys(storage: ReadonlyMap<string, unknown>): readonly string[] {
  return [...storage.keys()].filter((key) => key.startsWith('versions/'))
}
