import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import type { Watch } from '../../lib/model/watch.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import {
  foreign,
  gate,
  type Handler,
  type Opened,
  type OpenOptions,
  open,
  policy,
  readable,
  tokenOf,
} from '../pipeline/support.ts'

const PATH = 'kv/data/flags'
const READ = `read ${PATH}`
const MOUNT = 'read sys/internal/ui/mounts/kv/data/flags'
const KV2 = answerWith({ data: { path: 'kv/', type: 'kv', options: { version: '2' } } })

function version(number: number, color = `color-${number}`): ServerAnswer {
  const metadata = { version: number, created_time: `time-${number}`, deletion_time: '', destroyed: false }
  return answerWith({ mountType: 'kv', data: { data: { color }, metadata } })
}

function deleted(number: number): ServerAnswer {
  const metadata = { version: number, created_time: `time-${number}`, deletion_time: 'now', destroyed: false }
  return answerWith({ status: 404, mountType: 'kv', data: { data: null, metadata } })
}

/** A gateway before a server with version 1 of the flags. */
function world(t: TestContext, options: OpenOptions = {}): Promise<Opened> {
  const policies = [policy('flags', [readable(PATH)])]
  return open(t, { policies, ...options, handlers: { [READ]: version(1), [MOUNT]: KV2, ...options.handlers } })
}

/** What a watch tells, as it comes. */
function told(watch: Watch): string[] {
  const all: string[] = []
  watch.on('changed', (event) => void all.push(`changed ${event.previousVersion} to ${event.version}`))
  watch.on('deleted', (event) => void all.push(`deleted ${event.version}`))
  watch.on('refused', (event) => void all.push(`refused ${event.code}`))
  watch.on('failing', (event) => void all.push(`failing ${event.code}`))
  return all
}

function color(watch: Watch): unknown {
  return (watch.current().data.data as { readonly color?: unknown } | null)?.color
}

test('a watch opens with what is stored, and follows its versions within everyMs', async (t) => {
  const { gateway, server, clock } = await world(t)
  const flags = await gateway.watch(PATH)
  const events = told(flags)
  assert.deepEqual([flags.version, color(flags)], [1, 'color-1'])

  server.on(READ, version(2))
  await clock.advance(30_000)

  assert.deepEqual([flags.version, color(flags)], [2, 'color-2'])
  await clock.advance(300_000)
  assert.deepEqual(events, ['changed 1 to 2'])
})

test('no event, no inspect and no JSON shows a value', async (t) => {
  const { gateway, server, clock } = await world(t)
  const flags = await gateway.watch(PATH)
  const events: unknown[] = []
  for (const name of ['changed', 'deleted', 'refused', 'failing'] as const)
    flags.on(name, (event: object) => void events.push(event))
  server.on(READ, version(2))
  await clock.advance(30_000)
  server.on(READ, deleted(2))
  await clock.advance(30_000)
  server.on(READ, version(2))
  await clock.advance(30_000)
  const shown = [events, flags, flags.current()].map((each) => inspect(each, { depth: 9 }) + JSON.stringify(each))
  assert.equal(events.length, 3)
  assert.doesNotMatch(shown.join(), /color-/)
})

test('a deleted version is an answer without secret, and comes back when it is undeleted', async (t) => {
  const { gateway, server, clock } = await world(t)
  const flags = await gateway.watch(PATH)
  const events = told(flags)
  server.on(READ, deleted(1))
  await clock.advance(30_000)
  assert.deepEqual([flags.current().status, color(flags), flags.version], [404, undefined, 1])
  server.on(READ, version(1))
  await clock.advance(30_000)
  assert.equal(color(flags), 'color-1')
  assert.deepEqual(events, ['deleted 1', 'changed 1 to 1'])
})

test('a secret that is removed for good is told, and current() throws as a read would', async (t) => {
  const { gateway, server, clock } = await world(t)
  const flags = await gateway.watch(PATH)
  const events = told(flags)
  server.on(READ, refuse(404) as Handler)
  await clock.advance(60_000)
  assert.throws(() => flags.current(), { code: 'ERR_PORTCULLIS_SERVER_NOT_FOUND' })
  assert.deepEqual([events, flags.version], [['deleted 1'], 1])
})

test('while the server fails the last value is served, its age told truthfully, and the looks back off', async (t) => {
  const { gateway, server, clock } = await world(t)
  const flags = await gateway.watch(PATH)
  const events = told(flags)
  await clock.advance(10_000)
  const before = flags.current()
  assert.deepEqual([before.source, before.ageMs, before.verifiedMs], ['cache', 10_000, 10_000])

  server.on(READ, refuse(503) as Handler)
  const looks = server.count(READ)
  await clock.advance(3_600_000)

  const stale = flags.current()
  assert.deepEqual([stale.source, color(flags)], ['stale', 'color-1'])
  assert.ok(stale.verifiedMs >= 3_600_000, `${stale.verifiedMs}`)
  // 30 s doubled to 5 min: 3 on the way there, 11 or so at that pace.
  const failed = server.count(READ) - looks
  assert.ok(failed >= 12 && failed <= 20, `${failed}`)
  assert.equal(events.length, failed)

  server.on(READ, version(2))
  await clock.advance(300_000)
  assert.deepEqual([flags.current().source, color(flags)], ['cache', 'color-2'])
  const again = server.count(READ)
  await clock.advance(300_000)
  assert.ok(server.count(READ) - again >= 10, 'the pace is the usual one again')
})

test('a server that asks to wait is not asked before', async (t) => {
  const { gateway, server, clock } = await world(t)
  await gateway.watch(PATH, { everyMs: 1_000 })
  server.on(READ, refuse(429, { retryAfterMs: 600_000 }) as Handler)
  await clock.advance(1_000)
  const looks = server.count(READ)
  await clock.advance(599_000)
  assert.equal(server.count(READ), looks)
})

test('a refusal by the server withdraws the value; what is allowed again is back', async (t) => {
  const { gateway, server, clock } = await world(t)
  const flags = await gateway.watch(PATH)
  const events = told(flags)
  server.on(READ, refuse(403) as Handler)
  await clock.advance(60_000)
  assert.throws(() => flags.current(), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' })
  server.on(READ, refuse(503) as Handler)
  await clock.advance(30_000)
  assert.throws(() => flags.current(), { code: 'ERR_PORTCULLIS_SERVER_FORBIDDEN' }, 'a failure gives nothing back')
  server.on(READ, version(1))
  await clock.advance(300_000)
  assert.equal(color(flags), 'color-1')
  assert.equal(events.filter((event) => event.startsWith('refused')).length, 1)
  assert.equal(events.at(-1), 'changed 1 to 1')
})

test('a version that the rule refuses by its response schema withdraws the value', async (t) => {
  const data = { type: 'object', properties: { color: { const: 'color-1' } }, required: ['color'] }
  const response = { type: 'object', properties: { data }, required: ['data'] }
  const { gateway, server, clock } = await world(t, { policies: [policy('flags', [readable(PATH, { response })])] })
  const flags = await gateway.watch(PATH)
  const events = told(flags)
  server.on(READ, version(2))
  await clock.advance(30_000)
  assert.throws(() => flags.current(), { code: 'ERR_PORTCULLIS_POLICY_RESPONSE' })
  assert.deepEqual(events, ['refused ERR_PORTCULLIS_POLICY_RESPONSE'])
})

test('what policy does not allow is refused at once, and nothing is sent', async (t) => {
  const { gateway, server, entries } = await world(t, { policies: [policy('flags', [readable('kv/data/other')])] })
  await assert.rejects(gateway.watch(PATH), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  assert.deepEqual(server.sent(), [])
  assert.deepEqual(
    foreign(entries).map(({ decision }) => decision.effect),
    ['deny'],
  )
})

const UNSUPPORTED: readonly (readonly [what: string, path: string, mount: ServerAnswer])[] = [
  ['a path without data/', 'kv/flags', KV2],
  ['a folder', 'kv/data/flags/', KV2],
  ['KV v1', PATH, answerWith({ data: { path: 'kv/', type: 'kv', options: { version: '1' } } })],
  ['another engine', PATH, answerWith({ data: { path: 'kv/', type: 'database' } })],
  ['data/ in the name alone', 'kv/metadata/data/flags', KV2],
]

for (const [what, path, mount] of UNSUPPORTED) {
  test(`${what} cannot be watched; nothing is read, and the attempt is recorded`, async (t) => {
    const handlers = { [`read sys/internal/ui/mounts/${path}`]: mount, [`read ${path}`]: version(1) }
    const { gateway, server, entries } = await world(t, {
      policies: [policy('p', [readable('kv/*', { id: 'all' })])],
      handlers,
    })
    await assert.rejects(gateway.watch(path), { code: 'ERR_PORTCULLIS_WATCH_UNSUPPORTED' })
    assert.equal(server.count(`read ${path}`), 0)
    assert.match(foreign(entries).at(-1)?.error ?? '', /^ERR_PORTCULLIS_WATCH_UNSUPPORTED/)
  })
}

test('where the mount may not be known, an answer without version is refused', async (t) => {
  const handlers = { [MOUNT]: refuse(403) as Handler, [READ]: answerWith({ data: { color: 'red' } }) }
  const { gateway } = await world(t, { handlers })
  await assert.rejects(gateway.watch(PATH), { code: 'ERR_PORTCULLIS_WATCH_UNSUPPORTED' })
})

test('where the mount may not be known, a version of a secret is watched', async (t) => {
  const { gateway } = await world(t, { handlers: { [MOUNT]: refuse(403) as Handler } })
  assert.equal((await gateway.watch(PATH)).version, 1)
})

test('the first look rejects with what stood in its way', async (t) => {
  const { gateway, clock, server } = await world(t, { handlers: { [READ]: refuse(503) as Handler } })
  await assert.rejects(gateway.watch(PATH), { code: 'ERR_PORTCULLIS_SERVER_SEALED' })
  const looks = server.count(READ)
  await clock.advance(600_000)
  assert.equal(server.count(READ), looks, 'and nothing looks on')
})

test('each look is decided and recorded as a read of its caller', async (t) => {
  const { gateway, clock, entries } = await world(t, { caller: { service: 'orders' } })
  await gateway.watch(PATH)
  await clock.advance(30_000)
  const mine = foreign(entries)
  assert.deepEqual(
    mine.map(({ type, caller, decision, request }) => [type, caller.service, decision.rule, request.path]),
    Array(2)
      .fill([
        ['request', 'orders', PATH, PATH],
        ['response', 'orders', PATH, PATH],
      ])
      .flat(),
  )
})

test('an audit that refuses stops the look: nothing is sent, the last value stays', async (t) => {
  let isRefusing = false
  const onEntry = (): void => {
    if (isRefusing) throw new Error('full')
  }
  const { gateway, server, clock } = await world(t, { onEntry })
  const flags = await gateway.watch(PATH)
  isRefusing = true
  const looks = server.count(READ)
  await clock.advance(30_000)
  assert.equal(server.count(READ), looks)
  assert.deepEqual([flags.current().source, color(flags)], ['stale', 'color-1'])
  isRefusing = false
})

test('a hundred watches of a path are one request a look, whoever asks', async (t) => {
  const { gateway, server, clock, entries } = await world(t)
  const callers = Array.from({ length: 10 }, (_, i) => gateway.as({ component: `c${i}` }))
  const flags = await Promise.all(callers.flatMap((each) => Array.from({ length: 10 }, () => each.watch(PATH))))
  assert.equal(server.count(READ), 1)
  const recorded = foreign(entries).length
  server.on(READ, version(2))
  await clock.advance(30_000)
  assert.equal(server.count(READ), 2)
  assert.ok(flags.every((each) => each.version === 2 && color(each) === 'color-2'))
  const more = foreign(entries).slice(recorded)
  assert.deepEqual(more.filter(({ type }) => type === 'response').length, 10, 'each caller is recorded')
  assert.equal(more.filter(({ response }) => response?.shared === true).length, 9)
})

test('one identity does not look with the token of another', async (t) => {
  const self = answerWith({ data: { ttl: 3600, renewable: false, policies: ['default'] } })
  const { gateway, server } = await world(t, { handlers: { 'read auth/token/lookup-self': self } })
  await gateway.watch(PATH)
  await gateway.as({ user: 'u' }, { token: 's.visitor' }).watch(PATH)
  const tokens = server.requests.filter(({ path }) => path === PATH).map(tokenOf)
  assert.deepEqual(tokens, ['s.1', 's.visitor'])
})

test('one look is in flight at a time, however long it takes', async (t) => {
  const { gateway, server, clock } = await world(t)
  await gateway.watch(PATH, { everyMs: 1_000 })
  const { opened, open: answer } = gate()
  server.on(READ, async () => {
    await opened
    return version(2)
  })
  const looks = server.count(READ)
  await clock.advance(60_000)
  assert.equal(server.count(READ), looks + 1)
  answer()
})

test('the shortest everyMs of those who share a look counts, until it is closed', async (t) => {
  const { gateway, server, clock } = await world(t)
  await gateway.watch(PATH, { everyMs: 60_000 })
  const fast = await gateway.watch(PATH, { everyMs: 1_000 })
  let looks = server.count(READ)
  await clock.advance(60_000)
  assert.ok(server.count(READ) - looks >= 60)
  fast.close()
  await clock.advance(2_000)
  looks = server.count(READ)
  await clock.advance(60_000)
  assert.ok(server.count(READ) - looks <= 2)
})

const CACHED = [policy('flags', [readable(PATH, { cache: { ttl: '1h', staleIfError: '1h' } })])]

test('a look goes past what a rule lets be cached, and readers see what it found', async (t) => {
  const { gateway, server, clock } = await world(t, { policies: CACHED })
  await gateway.read(PATH)
  const flags = await gateway.watch(PATH)
  assert.equal(server.count(READ), 2)
  server.on(READ, version(2))
  await clock.advance(30_000)
  assert.equal(color(flags), 'color-2')
  const looks = server.count(READ)
  const { source, data } = await gateway.read(PATH)
  assert.deepEqual([source, (data.data as { color: string }).color], ['cache', 'color-2'])
  assert.equal(server.count(READ), looks)
})

for (const [what, gone] of [
  ['deleted', deleted(1)],
  ['removed', refuse(404) as Handler],
  ['refused', refuse(403) as Handler],
] as const) {
  test(`what a look found to be ${what} is out of the cache`, async (t) => {
    const { gateway, server, clock } = await world(t, { policies: CACHED })
    await gateway.watch(PATH)
    assert.equal((await gateway.read(PATH)).source, 'cache')
    server.on(READ, gone)
    await clock.advance(30_000)
    const looks = server.count(READ)
    const outcome = await gateway.read(PATH).then(
      ({ source }) => source,
      ({ status }) => status,
    )
    assert.ok(outcome === 'server' || outcome === 404 || outcome === 403, `${outcome}`)
    assert.ok(server.count(READ) > looks)
  })
}

test('a look that fails is not covered by staleIfError, and leaves the cache as it is', async (t) => {
  const { gateway, server, clock } = await world(t, { policies: CACHED })
  const flags = await gateway.watch(PATH)
  server.on(READ, refuse(503) as Handler)
  await clock.advance(30_000)
  assert.equal(flags.current().source, 'stale')
  assert.equal((await gateway.read(PATH)).source, 'cache')
})

test('what one caller may cache is dropped when the look of another finds it to be of the past', async (t) => {
  const subject = { properties: { part: { const: 'uncached' } }, required: ['part'] }
  const policies = [
    policy('all', [readable('kv/*', { id: 'all', cache: { ttl: '1h' } })]),
    policy('uncached', [readable(PATH)], subject),
  ]
  const { gateway, server, clock } = await world(t, { policies })
  await gateway.as({ part: 'uncached' }).watch(PATH)
  await gateway.read(PATH)
  assert.equal((await gateway.read(PATH)).source, 'cache')
  server.on(READ, version(2))
  await clock.advance(30_000)
  assert.deepEqual((await gateway.read(PATH)).data, version(2).data)
})

test('an aborted signal ends the first look for its caller alone', async (t) => {
  const { opened, open: answer } = gate()
  const handler = async (): Promise<ServerAnswer> => {
    await opened
    return version(1)
  }
  const { gateway } = await world(t, { handlers: { [READ]: handler } })
  const stop = new AbortController()
  const aborted = gateway.watch(PATH, { signal: stop.signal })
  const other = gateway.watch(PATH)
  stop.abort(new Error('enough'))
  await assert.rejects(aborted, { message: 'enough' })
  answer()
  assert.equal((await other).version, 1)
  await assert.rejects(gateway.watch(PATH, { signal: stop.signal }), { message: 'enough' })
})

test('an aborted signal closes the watch', async (t) => {
  const { gateway, server, clock } = await world(t)
  const stop = new AbortController()
  const flags = await gateway.watch(PATH, { signal: stop.signal })
  stop.abort()
  assert.throws(() => flags.current(), { code: 'ERR_PORTCULLIS_WATCH_CLOSED' })
  const looks = server.count(READ)
  await clock.advance(600_000)
  assert.equal(server.count(READ), looks)
})

test('a closed watch is silent, and the others go on', async (t) => {
  const { gateway, server, clock } = await world(t)
  const [closed, other] = [await gateway.watch(PATH), await gateway.watch(PATH)]
  const events = told(closed)
  closed.close()
  closed.close()
  server.on(READ, version(2))
  await clock.advance(30_000)
  assert.deepEqual([events, other.version], [[], 2])
})

test('the gateway closes its watches, also while a look is on its way', async (t) => {
  const { gateway, server, clock } = await world(t)
  const flags = await gateway.watch(PATH, { everyMs: 1_000 })
  const events = told(flags)
  const { opened, open: answer } = gate()
  server.on(READ, async () => {
    await opened
    return version(2)
  })
  await clock.advance(1_000)
  const closing = gateway.close()
  answer()
  await closing
  assert.throws(() => flags.current(), { code: 'ERR_PORTCULLIS_WATCH_CLOSED' })
  assert.deepEqual(events, [])
  const looks = server.count(READ)
  await clock.advance(60_000)
  assert.equal(server.count(READ), looks)
  assert.equal(clock.pending, 0)
  await assert.rejects(gateway.watch(PATH), { code: 'ERR_PORTCULLIS_GATEWAY_CLOSED' })
})

test('listeners that throw or reject break nothing', async (t) => {
  const { gateway, server, clock } = await world(t)
  const flags = await gateway.watch(PATH)
  flags.on('changed', () => {
    throw new Error('own affair')
  })
  flags.on('changed', (async () => {
    throw new Error('own affair')
  }) as never)
  const events = told(flags)
  server.on(READ, version(2))
  await clock.advance(30_000)
  assert.deepEqual(events, ['changed 1 to 2'])
})

test('a thousand watches that want to look each second reach the server a hundred times a second', async (t) => {
  const paths = Array.from({ length: 1_000 }, (_, i) => `kv/data/f${i}`)
  const handlers = Object.fromEntries(paths.map((path) => [`read ${path}`, version(1)]))
  const mounts = Object.fromEntries(paths.map((path) => [`read sys/internal/ui/mounts/${path}`, KV2]))
  const policies = [policy('flags', [readable('kv/*', { id: 'all' })])]
  const { gateway, server, clock } = await world(t, { policies, handlers: { ...handlers, ...mounts } })
  await Promise.all(paths.map((path) => gateway.watch(path, { everyMs: 1_000 })))
  const before = server.requests.length
  await clock.advance(10_000)
  const looks = server.requests.length - before
  assert.ok(looks >= 900 && looks <= 1_101, `${looks}`)
})

for (const options of [
  { everyMs: 999 },
  { everyMs: 86_400_001 },
  { everyMs: '1s' },
  { signal: {} },
  { timeoutMs: 1 },
]) {
  test(`options ${JSON.stringify(options)} are refused by name`, async (t) => {
    const { gateway } = await world(t)
    const name = new RegExp(Object.keys(options)[0] ?? '')
    await assert.rejects(gateway.watch(PATH, options as never), { message: name })
  })
}
