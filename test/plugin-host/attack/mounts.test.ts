import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { BackendReply } from '../../../lib/model/backend.ts'
import { type Script, said, secretOf } from '../router/scripted-plugins.ts'
import { world } from '../router/world.ts'

/** Answers reads once it is let go. */
function slow(): Script & { readonly release: () => void; readonly paths: string[] } {
  const { promise, resolve } = Promise.withResolvers<void>()
  const paths: string[] = []
  return {
    release: resolve,
    paths,
    async handle({ operation, path }): Promise<BackendReply> {
      if (operation !== 'read') return {}
      paths.push(path)
      await promise
      return said({}, { secret: secretOf() })
    },
  }
}

test('what a plugin mints while its mount is being removed is revoked before it is gone', async (t) => {
  const tf = slow()
  const it = await world(t, { tf }, { mounts: { tf: { type: 'tf' } } })
  const minting = it.ask('read', 'tf/creds').catch(() => undefined)
  await it.clock.advance(0)
  const unmounted = it.host.operator.unmount('tf')
  await it.clock.advance(0)
  tf.release()
  await it.clock.advance(0)
  await minting
  await it.clock.advance(0)
  await unmounted
  assert.equal(it.plugins.of('revoke').length, 1)
  assert.deepEqual(it.host.operator.leases(), [])
})

test('a request that waits while its mount goes away starts no plugin again', async (t) => {
  const tf = slow()
  const it = await world(t, { tf }, { mounts: { tf: { type: 'tf' } } })
  const first = it.ask('read', 'tf/creds').catch(() => undefined)
  await it.clock.advance(0)
  const reloaded = it.host.operator.reload('tf')
  await it.clock.advance(0)
  const waiting = it.refusal('read', 'tf/creds')
  const unmounted = it.host.operator.unmount('tf')
  await it.clock.advance(0)
  tf.release()
  await it.clock.advance(0)
  await Promise.all([first, reloaded, unmounted])
  assert.match(await waiting, /^404: /)
  const opened = it.plugins.log.filter((line) => line.startsWith('open')).length
  assert.equal(it.plugins.log.filter((line) => line.startsWith('close')).length, opened)
})

test('a request that waits while its mount moves is none for the new path', async (t) => {
  const tf = slow()
  const it = await world(t, { tf }, { mounts: { ab: { type: 'tf' } } })
  const first = it.ask('read', 'ab/x')
  await it.clock.advance(0)
  const moved = it.host.operator.remount('ab', 'abcdef')
  await it.clock.advance(0)
  const waiting = it.refusal('read', 'ab/yyyysecret')
  await it.clock.advance(0)
  tf.release()
  await it.clock.advance(0)
  await Promise.all([first, moved])
  assert.match(await waiting, /^404: no handler/)
  assert.deepEqual(tf.paths, ['x'])
})

test('a mount that hangs holds up neither the start and the end of the host, nor changes of other mounts', async (t) => {
  let hangs = false
  const stuck: Script = {
    handle: ({ operation }) => (operation === 'read' ? said({}, { secret: secretOf() }) : hung()),
  }
  const hung = (): BackendReply | Promise<BackendReply> => (hangs ? new Promise<BackendReply>(() => {}) : {})
  const kv: Script = { handle: () => said({ value: 1 }) }
  const it = await world(t, { stuck, kv }, { mounts: { stuck: { type: 'stuck' } } })
  await it.ask('read', 'stuck/creds')
  hangs = true
  const unmounted = it.host.operator.unmount('stuck')
  unmounted.catch(() => undefined)
  await it.clock.advance(0)
  let isMounted = false
  void it.host.operator.mount('kv', { type: 'kv' }).then(() => {
    isMounted = true
  })
  await it.clock.advance(1000)
  assert.equal(isMounted, true)
  let isClosed = false
  const closed = it.host.close().then(() => {
    isClosed = true
  })
  await it.clock.advance(30_000)
  assert.equal(isClosed, true)
  await closed
  await it.store.open()
  let isStarted = false
  const restarted = it.restart().then(() => {
    isStarted = true
  })
  await it.clock.advance(1000)
  assert.equal(isStarted, true)
  await restarted
  assert.equal((await it.ask('read', 'kv/x')).status, 200)
})

test('a thousand revocations that hang do not keep a host from closing', async (t) => {
  let hangs = false
  const stuck: Script = {
    handle: ({ operation }) =>
      operation === 'read'
        ? said({}, { secret: secretOf({ ttlMs: 60_000 }) })
        : hangs
          ? new Promise<BackendReply>(() => {})
          : {},
  }
  const it = await world(t, { stuck }, { mounts: { stuck: { type: 'stuck' } } })
  for (let at = 0; at < 1000; at += 1) await it.ask('read', 'stuck/creds')
  hangs = true
  await it.clock.advance(61_000)
  assert.equal(it.plugins.of('revoke').length, 8)
  let isClosed = false
  const closed = it.host.close().then(() => {
    isClosed = true
  })
  await it.clock.advance(30_000)
  assert.equal(isClosed, true)
  await closed
})
