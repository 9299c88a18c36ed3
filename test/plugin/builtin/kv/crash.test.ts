import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createMemoryHost } from '../../../../lib/plugin/testing/memory-host.ts'
import { dying } from './dying-host.ts'
import { mountKv } from './mounted.ts'

const request = fc.oneof(
  fc.constant(['write', 'data/a'] as const),
  fc.constant(['write', 'data/a'] as const),
  fc.constant(['patch', 'data/a'] as const),
  fc.constant(['destroy', 'destroy/a'] as const),
  fc.constant(['delete', 'metadata/a'] as const),
)

test('whenever a host without transactions dies, what was acknowledged is there, and what is told of can be read', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(request, { maxLength: 12 }), fc.nat(30), async (requests, writes) => {
      const host = createMemoryHost({ hasTransactions: false })
      const before = await mountKv('2', { host: dying(host, writes) })
      let [acknowledged, tried, isRemoved, isRemoving] = [0, 0, true, false]
      for (const [operation, path] of requests) {
        const body = operation === 'destroy' ? { versions: [1] } : { data: { n: tried + 1 } }
        const isWrite = path === 'data/a'
        if (operation === 'write' || (isWrite && !isRemoved)) tried += 1
        const { status } = await before.request(operation === 'destroy' ? 'write' : operation, path, body)
        if (status >= 500) {
          isRemoving = path === 'metadata/a'
          break
        }
        if (isWrite && status === 200) [acknowledged, isRemoved] = [tried, false]
        if (path === 'metadata/a') [acknowledged, isRemoved] = [0, true]
      }
      const after = await mountKv('2', { host })
      await checkAfter(after, { acknowledged, tried, isRemoving })
    }),
    { numRuns: 400 },
  )
})

interface Past {
  /** `n` of the newest data that was acknowledged; 0 for none. */
  readonly acknowledged: number
  readonly tried: number
  /** The host died while the secret was removed: it is there or not. */
  readonly isRemoving: boolean
}

async function checkAfter(kv: Awaited<ReturnType<typeof mountKv>>, past: Past): Promise<void> {
  const { status, data } = await kv.request('read', 'metadata/a')
  if (status === 404) assert.ok(past.acknowledged === 0 || past.isRemoving, 'an acknowledged write is there')
  for (const [number, version] of Object.entries((data?.versions ?? {}) as Record<string, { destroyed: boolean }>)) {
    const read = await kv.request('read', 'data/a', { version: number })
    assert.equal(read.status, version.destroyed ? 404 : 200, `version ${number} that is told of can be read`)
  }
  if (status === 200) {
    const newest = await kv.request('read', 'data/a')
    const { n } = (newest.data?.data ?? { n: past.acknowledged }) as { readonly n: number }
    assert.ok(n >= past.acknowledged && n <= past.tried, `${n} is between ${past.acknowledged} and ${past.tried}`)
  }
  // It goes on from there, whatever was left behind.
  assert.equal((await kv.request('write', 'data/a', { data: { n: 'next' } })).status, 200)
  assert.deepEqual((await kv.request('read', 'data/a')).data?.data, { n: 'next' })
  await kv.request('delete', 'metadata/a')
  assert.equal(kv.storage.size, 0, 'left-overs go with the secret')
}
