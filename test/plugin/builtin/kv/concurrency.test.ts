import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mountKv } from './mounted.ts'

for (const hasTransactions of [true, false]) {
  const on = hasTransactions ? 'with transactions' : 'without transactions'

  test(`of writers who all claim the same version one wins, on a host ${on}`, async () => {
    const kv = await mountKv('2', { hasTransactions })
    const writes = Array.from({ length: 20 }, (_, at) =>
      kv.request('write', 'data/app', { data: { at }, options: { cas: 0 } }),
    )
    const statuses = (await Promise.all(writes)).map(({ status }) => status)
    assert.equal(statuses.filter((status) => status === 200).length, 1)
    assert.equal(statuses.filter((status) => status === 400).length, 19)
  })

  test(`writers without a claim each get a version of their own, on a host ${on}`, async () => {
    const kv = await mountKv('2', { hasTransactions })
    await kv.request('write', 'metadata/app', { max_versions: 100 })
    const writes = Array.from({ length: 50 }, (_, at) => kv.request('write', 'data/app', { data: { at } }))
    const versions = (await Promise.all(writes)).map(({ data }) => data?.version)
    assert.equal(new Set(versions).size, 50)
    for (const [at, version] of versions.entries())
      assert.deepEqual((await kv.request('read', 'data/app', { version: Number(version) })).data?.data, { at })
  })

  test(`a reader beside a writer that drops versions is always answered, on a host ${on}`, async () => {
    const kv = await mountKv('2', { hasTransactions })
    await kv.request('write', 'metadata/app', { max_versions: 1 })
    await kv.request('write', 'data/app', { data: { at: 0 } })
    const writing = (async () => {
      for (let at = 1; at <= 100; at += 1) await kv.request('write', 'data/app', { data: { at } })
    })()
    let last = 0
    while (last < 100) {
      const { status, data } = await kv.request('read', 'data/app')
      assert.equal(status, 200)
      const { at } = (data?.data ?? {}) as { readonly at?: number }
      assert.ok(at !== undefined)
      assert.ok(at >= last, `${at} after ${last}`)
      last = at
    }
    await writing
  })
}

test('changes of metadata beside writes of data lose nothing', async () => {
  const kv = await mountKv('2')
  const work = Array.from({ length: 30 }, (_, at) =>
    at % 2 === 0
      ? kv.request('write', 'data/app', { data: { at } })
      : kv.request('patch', 'metadata/app', { custom_metadata: { [`k${at}`]: 'v' } }),
  )
  const statuses = (await Promise.all(work)).map(({ status }) => status)
  const { data } = await kv.request('read', 'metadata/app')
  assert.equal(data?.current_version, 15)
  assert.equal(Object.keys(data?.custom_metadata ?? {}).length, statuses.filter((status) => status === 204).length)
})
