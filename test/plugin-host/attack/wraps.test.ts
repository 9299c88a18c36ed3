import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendReply, SystemView } from '../../../lib/model/backend.ts'
import { seal } from '../../../lib/model/sealed.ts'
import { type Script, said } from '../router/scripted-plugins.ts'
import { world } from '../router/world.ts'

const YEAR = 365 * 86_400_000
const MINUTE = 60_000
const DATA = JSON.stringify({ filling: 'x'.repeat(1_000_000) })

test('what a plugin has wrapped is bounded for its mount, lives no longer than the mount allows, and is free again once opened', async (t) => {
  const views = new Map<string, SystemView>()
  const wrapper = (name: string): Script => ({
    handle(_request, { view }): BackendReply {
      views.set(name, view)
      return said({})
    },
  })
  const mounts = { a: { type: 'a', maxLeaseTtlMs: 10 * MINUTE }, b: { type: 'b' } }
  const it = await world(t, { a: wrapper('a'), b: wrapper('b') }, { mounts })
  for (const path of ['a/x', 'b/x']) await it.ask('read', path)
  const wrap = (name: string, ttlMs = 1e15) => views.get(name)?.wrap(DATA, ttlMs) ?? Promise.reject()

  const outcomes = await Promise.allSettled(Array.from({ length: 30 }, () => wrap('a')))
  const made = outcomes.flatMap((outcome) => (outcome.status === 'fulfilled' ? [outcome.value] : []))
  assert.equal(made.length, 16)
  assert.deepEqual([...new Set(made.map(({ ttlMs }) => ttlMs))], [10 * MINUTE])
  await assert.rejects(wrap('a'), { code: 'ERR_PORTCULLIS_STORAGE_QUOTA' })
  assert.ok(await wrap('b'))

  const [first] = made
  const { data } = await it.ask('write', 'sys/wrapping/unwrap', { token: seal(first?.token ?? '') as never })
  assert.equal((data as { readonly filling?: string }).filling?.length, 1_000_000)
  assert.ok(await wrap('a'))
  await assert.rejects(wrap('a'), { code: 'ERR_PORTCULLIS_STORAGE_QUOTA' })

  // Counted anew after a restart, and gone at their end.
  await it.restart()
  await it.ask('read', 'a/x')
  await assert.rejects(wrap('a'), { code: 'ERR_PORTCULLIS_STORAGE_QUOTA' })
  await it.clock.advance(11 * MINUTE)
  assert.ok(await wrap('a'))
})

test('what a plugin has wrapped cannot bring a login, a lease or another wrapping along', async (t) => {
  let view: SystemView | undefined
  const a: Script = {
    handle(_request, services): BackendReply {
      view = services.view
      return said({})
    },
  }
  const it = await world(t, { a }, { mounts: { a: { type: 'a' } } })
  await it.ask('read', 'a/x')
  for (const data of [
    'null,"auth":{"client_token":"s.evil"}',
    '{},"lease_id":"other/creds/1","renewable":true,"lease_duration":60',
    '{}}{',
    '[]',
    '"text"',
    '',
    '{"a":',
  ])
    await assert.rejects(
      view?.wrap(data, MINUTE) ?? Promise.resolve(),
      { code: 'ERR_PORTCULLIS_PLUGIN_PROTOCOL' },
      data,
    )
})

test('a wall clock that is set back while the host is down gives a wrapping no more than its time', async (t) => {
  const a: Script = { handle: () => said({ value: 1 }) }
  const it = await world(t, { a }, { mounts: { a: { type: 'a' } } })
  const { wrapInfo } = await it.ask('read', 'a/x', { wrapTtlMs: 10 * MINUTE })
  it.clock.jumpWall(-YEAR)
  await it.restart()
  await it.clock.advance(11 * MINUTE)
  assert.match(await it.refusal('write', 'sys/wrapping/unwrap', { token: wrapInfo?.token as never }), /^400/)
})
