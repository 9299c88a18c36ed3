import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Call } from '../../lib/pipeline/call.ts'
import { createCreateOnly } from '../../lib/pipeline/create-only.ts'
import { createMounts, MOUNT_KEPT_MS } from '../../lib/pipeline/mounts.ts'
import { createNormalise } from '../../lib/pipeline/normalise.ts'
import { parseTraceparent } from '../../lib/pipeline/traceparent.ts'
import { within } from '../../lib/pipeline/within.ts'
import type { OwnCall } from '../../lib/ports/auth-method.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { answerWith, refuse } from '../../lib/testing/scripted-transport.ts'
import { sessionWith } from '../session/support.ts'
import { counting } from './support.ts'

const ID = '4bf92f3577b34da6a3ce929d0e0e4736'
const SPAN = '00f067aa0ba902b7'

test('a traceparent is read', () => {
  assert.deepEqual(parseTraceparent(`00-${ID}-${SPAN}-01`), { trace_id: ID, span_id: SPAN })
  assert.deepEqual(parseTraceparent(`01-${ID}-${SPAN}-01-more`), { trace_id: ID, span_id: SPAN })
})

for (const text of [
  '',
  'x',
  `00-${ID}-${SPAN}`,
  `00-${ID.toUpperCase()}-${SPAN}-01`,
  `00-${'0'.repeat(32)}-${SPAN}-01`,
  `00-${ID}-${'0'.repeat(16)}-01`,
  `ff-${ID}-${SPAN}-01`,
  `00-${ID}-${SPAN}-012`,
]) {
  test(`${JSON.stringify(text)} is no traceparent, and no error`, () => assert.equal(parseTraceparent(text), undefined))
}

const request = createNormalise({ namespace: '', namespaces: [''] })({ operation: 'read', path: 'kv/a' })
const call = (more: Partial<Call>): Call => ({ request, signal: undefined, timeoutMs: undefined, ...more }) as Call

test('a call without signal and limit waits for the work itself', () => {
  const work = Promise.resolve(1)
  assert.equal(within(work, call({}), new FakeClock()), work)
})

test('a call that is aborted already does not wait', async () => {
  const reason = new Error('gone')
  const waiting = within(Promise.withResolvers().promise, call({ signal: AbortSignal.abort(reason) }), new FakeClock())
  await assert.rejects(waiting, reason)
})

test('a limit that passes ends the wait; work that ends in time leaves no timer', async () => {
  const clock = new FakeClock()
  const { promise, resolve } = Promise.withResolvers<number>()
  const late = assert.rejects(within(promise, call({ timeoutMs: 10 }), clock), {
    code: 'ERR_PORTCULLIS_SERVER_TIMEOUT',
  })
  const inTime = within(promise, call({ timeoutMs: 1_000 }), clock)
  await clock.advance(10)
  await late
  resolve(1)
  assert.equal(await inTime, 1)
  await clock.advance(0)
  assert.equal(clock.pending, 0)
})

function mountsWith(describe: (asked: OwnCall) => ReturnType<typeof answerWith>) {
  const { session } = sessionWith(counting())
  const clock = new FakeClock()
  const asked: string[] = []
  const exchange = async (own: OwnCall): Promise<ReturnType<typeof answerWith>> => {
    asked.push(`${own.namespace}|${own.path}`)
    return describe(own)
  }
  return { mounts: createMounts({ exchange, session, clock }), clock, asked }
}

const kv = (version: string, path = 'kv/'): ReturnType<typeof answerWith> =>
  answerWith({ data: { path, type: 'kv', options: { version } } })

test('a mount is asked for once for all below it, and by all at once', async () => {
  const { mounts, asked } = mountsWith(() => kv('2'))
  assert.equal(mounts.isKnownKv('', 'kv/data/a'), false)
  const [mount] = await Promise.all([mounts.of('', 'kv/data/a'), mounts.of('', 'kv/data/a')])
  assert.deepEqual(mount, { path: 'kv/', type: 'kv', kvVersion: 2 })
  await mounts.of('', 'kv/data/b')
  assert.deepEqual(asked, ['|sys/internal/ui/mounts/kv/data/a'])
  assert.equal(mounts.isKnownKv('', 'kv/data/c'), true)
  assert.equal(mounts.isKnownKv('other', 'kv/data/c'), false)
})

test('what is known of a mount is believed for a while only: it can be tuned to another version', async () => {
  let version = '1'
  const { mounts, clock } = mountsWith(() => kv(version))
  assert.equal((await mounts.of('', 'kv/a')).kvVersion, 1)
  version = '2'
  await clock.advance(MOUNT_KEPT_MS - 1)
  assert.equal((await mounts.of('', 'kv/a')).kvVersion, 1)
  await clock.advance(1)
  assert.equal(mounts.isKnownKv('', 'kv/a'), false)
  assert.equal((await mounts.of('', 'kv/a')).kvVersion, 2)
})

test('a mount that could not be asked for is asked for again', async () => {
  let isDown = true
  const { mounts } = mountsWith((own) => {
    if (isDown) (refuse(503) as (own: OwnCall, options: object) => never)(own, {})
    return kv('2')
  })
  await assert.rejects(mounts.of('', 'kv/a'))
  isDown = false
  assert.equal((await mounts.of('', 'kv/a')).kvVersion, 2)
})

const normalise = createNormalise({ namespace: '', namespaces: [''] })
const writing = (path: string, data?: unknown) => normalise({ operation: 'write', path, data })

test('a write that may only create gets cas 0 on KV v2', async () => {
  const createOnly = createCreateOnly(mountsWith(() => kv('2')).mounts)
  for (const data of [
    { data: { a: 1 } },
    { data: { a: 1 }, options: { cas: 0 } },
    { data: { a: 1 }, options: 'odd' },
  ]) {
    const checked = await createOnly(writing('kv/data/a', data))
    assert.ok('body' in checked)
    assert.deepEqual(JSON.parse(checked.body ?? ''), { data: { a: 1 }, options: { cas: 0 } })
    assert.deepEqual(checked.data, JSON.parse(checked.body ?? ''))
  }
})

for (const cas of [1, '0', null, -1, [0]]) {
  test(`a write that may only create is denied with cas ${JSON.stringify(cas)}`, async () => {
    const createOnly = createCreateOnly(mountsWith(() => kv('2')).mounts)
    const checked = await createOnly(writing('kv/data/a', { data: {}, options: { cas } }))
    assert.ok('effect' in checked && checked.effect === 'deny' && checked.reason === 'create-only')
  })
}

test('elsewhere than on KV v2 data a create-only write goes as it is', async () => {
  const createOnly = createCreateOnly(
    mountsWith(({ path }) => kv(path.includes('/v1') ? '1' : '2', path.includes('/v1') ? 'v1/' : 'kv/')).mounts,
  )
  for (const path of ['v1/data/a', 'kv/metadata/a']) {
    const request = writing(path, { a: 1 })
    assert.equal(await createOnly(request), request)
  }
})
