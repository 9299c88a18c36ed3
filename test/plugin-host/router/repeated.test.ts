import assert from 'node:assert/strict'
import { test } from 'node:test'
import { PluginError } from '../../../lib/errors/index.ts'
import type { Backend } from '../../../lib/model/backend.ts'
import { repeatedOnce } from '../../../lib/plugin-host/router/repeated.ts'
import { FakeClock } from '../../../lib/testing/fake-clock.ts'
import { request } from '../process/plugins-for-test.ts'
import { said } from './scripted-plugins.ts'

const crash = (mayHaveHappened: boolean): Error =>
  new PluginError('ERR_PORTCULLIS_PLUGIN_CRASHED', 'it ended', { mayHaveHappened })

/** A backend whose calls take a second each and end so, one after the other; then well. */
function scripted(...ends: readonly Error[]): { readonly backend: Backend; readonly timeouts: number[] } {
  const clock = new FakeClock()
  const timeouts: number[] = []
  const next = async <T>(timeoutMs: number, value: T): Promise<T> => {
    timeouts.push(timeoutMs)
    await clock.advance(1_000)
    const error = ends[timeouts.length - 1]
    if (error !== undefined) throw error
    return value
  }
  const backend: Backend = {
    specialPaths: { root: ['r'], unauthenticated: [], localStorage: [], sealWrapStorage: [] },
    exists: (_, { timeoutMs }) => next(timeoutMs, { checked: true, exists: true }),
    handle: (_, { timeoutMs }) => next(timeoutMs, said({})),
    invalidate: async () => {},
    close: async () => {},
  }
  return { backend: repeatedOnce(backend, clock), timeouts }
}

test('a call that a crash cut off without effect is sent once more, with the time that is left', async () => {
  const { backend, timeouts } = scripted(crash(false))
  assert.ok((await backend.handle(request('read', 'a'), { timeoutMs: 5_000 })).response)
  assert.deepEqual(timeouts, [5_000, 4_000])
  assert.deepEqual(backend.specialPaths.root, ['r'])
})

test('so is an existence check', async () => {
  const { backend, timeouts } = scripted(crash(false))
  assert.ok((await backend.exists(request('update', 'a'), { timeoutMs: 5_000 })).exists)
  assert.equal(timeouts.length, 2)
})

const ONCE: readonly (readonly [what: string, error: Error, timeoutMs: number])[] = [
  ['may have been carried out', crash(true), 5_000],
  ['failed for another reason', new PluginError('ERR_PORTCULLIS_PLUGIN_TIMEOUT', 'late'), 5_000],
  ['has no time left', crash(false), 1_000],
  ['was refused', new Error('no'), 5_000],
]

for (const [what, error, timeoutMs] of ONCE) {
  test(`a call that ${what} is not sent again`, async () => {
    const { backend, timeouts } = scripted(error)
    await assert.rejects(backend.handle(request('update', 'a'), { timeoutMs }), error)
    assert.equal(timeouts.length, 1)
  })
}

test('what crashes its process twice is not sent a third time', async () => {
  const { backend, timeouts } = scripted(crash(false), crash(false))
  await assert.rejects(backend.handle(request('read', 'a'), { timeoutMs: 5_000 }), {
    code: 'ERR_PORTCULLIS_PLUGIN_CRASHED',
  })
  assert.equal(timeouts.length, 2)
})

test('nobody waits any more: it is not sent again', async () => {
  const { backend, timeouts } = scripted(crash(false))
  const abort = new AbortController()
  const call = backend.handle(request('read', 'a'), { timeoutMs: 5_000, signal: abort.signal })
  abort.abort()
  await assert.rejects(call, PluginError)
  assert.equal(timeouts.length, 1)
})
