import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendServices } from '../../../lib/plugin-host/process/plugins.ts'
import { type Script, said } from './scripted-plugins.ts'
import { world } from './world.ts'

/** A plugin that says an event for each request, as often as its path tells. */
function talker(event: (at: number) => readonly [type: string, metadata: object]): Script {
  return {
    handle({ path }, services: BackendServices) {
      for (let at = 0; at < Number(path); at += 1) {
        const [type, metadata] = event(at)
        services.onEvent?.(type, metadata as never)
      }
      return said({})
    },
  }
}

test('what a plugin says that happened is told with its mount, its type and plain facts', async (t) => {
  const metadata = { path: 'data/a', current_version: 3, modified: true, nested: { a: 1 }, list: ['a'], none: null }
  const it = await world(t, { p: talker(() => ['kv-v2/data-write', metadata]) })
  await it.host.operator.mount('m', { type: 'p' })
  await it.ask('read', 'm/1')
  const event = it.events.at(-1)
  assert.deepEqual(event, {
    ...{ name: 'plugin-event', path: 'm/', plugin: 'p', code: '', attempts: 0 },
    event: {
      type: 'kv-v2/data-write',
      metadata: { path: 'data/a', current_version: 3, modified: true },
      count: 1,
    },
  })
  assert.ok(Object.isFrozen(event?.event?.metadata))
})

test('a flood of events is counted, and told up to a thousand a second', async (t) => {
  const it = await world(t, { p: talker((at) => [`t${at}`, {}]) })
  await it.host.operator.mount('m', { type: 'p' })
  const told = (): readonly number[] => it.events.flatMap(({ event }) => (event === undefined ? [] : [event.count]))
  await it.ask('read', 'm/2500')
  assert.deepEqual([told().length, told().at(-1)], [1000, 1000])
  await it.clock.advance(1_000)
  await it.ask('read', 'm/1')
  assert.deepEqual([told().length, told().at(-1)], [1001, 2501])
})

test('words of a plugin that know no bounds are cut, and a listener that throws concerns no plugin', async (t) => {
  const many = Object.fromEntries(
    Array.from({ length: 100 }, (_, at) => [`${'n'.repeat(200)}${at}`, 'v'.repeat(10_000)]),
  )
  const seen: (string | undefined)[] = []
  const it = await world(
    t,
    { p: talker(() => ['t'.repeat(10_000), { ['__proto__']: 'x', ...many }]) },
    {
      onEvent: ({ event }) => {
        if (event === undefined) return
        seen.push(JSON.stringify(event))
        throw new Error('no')
      },
    },
  )
  await it.host.operator.mount('m', { type: 'p' })
  assert.equal((await it.ask('read', 'm/2')).status, 200)
  assert.equal(seen.length, 2)
  assert.ok((seen[0]?.length ?? 0) < 20_000)
})

test('nobody who listens is no trouble', async (t) => {
  const it = await world(t, { p: talker(() => ['t', {}]) }, { onEvent: undefined as never })
  await it.host.operator.mount('m', { type: 'p' })
  assert.equal((await it.ask('read', 'm/3')).status, 200)
})
