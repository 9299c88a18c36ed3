import assert from 'node:assert/strict'
import { existsSync, readdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { inspect } from 'node:util'
import { PluginError } from '../../../lib/errors/index.ts'
import { hostile, SOURCE } from './hostile-plugin.ts'
import { CALL, mountOf, processesNaming, request, rig, servicesOf } from './plugins-for-test.ts'

const START = { code: 'ERR_PORTCULLIS_PLUGIN_START' }
const CRASHED = { code: 'ERR_PORTCULLIS_PLUGIN_CRASHED' }

test('the hostile plugin, at its best, is a plugin like any other', async (t) => {
  const { plugins } = rig(t)
  const backend = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  assert.deepEqual(backend.specialPaths.root, ['root/*'])
  const { response } = await backend.handle(request('read', 'x'), CALL)
  assert.equal(JSON.parse(response?.data ?? '').operation, 'read')
  assert.deepEqual(await backend.exists(request('update', 'x'), CALL), { checked: true, exists: false })
  await backend.invalidate('x')
  await backend.close()
  await backend.close()
})

/** How it starts, and what its host says. */
const STARTS: readonly (readonly [mode: string, detail: string, reason: RegExp])[] = [
  ['garbage', '', /no handshake/],
  ['exit-0', '', /ended \(code 0\) before a handshake/],
  ['no-newline', '', /before a handshake/],
  ['silent', '', /no handshake within 3000 ms/],
  ['long-line', '', /more than 16384 bytes/],
  ['padded', '', /base64/],
  ['version', '3', /protocol versions/],
  ['version', '4', /protocol versions/],
  ['no-certificate', '', /AutoMTLS/],
  ['elsewhere', '', /outside/],
  ['nobody-listens', '', /cannot be connected/],
  ['other-certificate', '', /cannot be connected/],
  ['exit-after-handshake', '', /./],
  ['crash-in', 'MultiplexingSupport', /./],
]

for (const [mode, detail, reason] of STARTS) {
  test(`a plugin that starts so is refused, and nothing of it is left: ${mode} ${detail}`, async (t) => {
    const { plugins, folder } = rig(t, { startTimeoutMs: 3000 })
    const entry = hostile(t, mode, detail)
    await assert.rejects(plugins.backend(entry, mountOf('m/'), servicesOf()), (error) => {
      assert.ok(error instanceof PluginError)
      assert.equal(error.code, START.code)
      assert.match(error.message, reason)
      return true
    })
    assert.deepEqual(processesNaming(folder), [])
  })
}

for (const rpc of ['StartStream', 'Setup', 'Type', 'SpecialPaths', 'Initialize']) {
  test(`a crash in ${rpc} is a coded error for who mounts it`, async (t) => {
    const { plugins, folder } = rig(t, { startTimeoutMs: 5000 })
    const opened = plugins.backend(hostile(t, 'crash-in', rpc), mountOf('m/'), servicesOf())
    await assert.rejects(opened, (error) => error instanceof PluginError && /CRASHED|START/.test(error.code))
    await plugins.close()
    assert.deepEqual(processesNaming(folder), [])
  })
}

test('a crash in a request fails that request, and the next one finds it up again, set up as it was', async (t) => {
  const { plugins, warnings } = rig(t)
  const backend = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  const before = JSON.parse((await backend.handle(request('read', 'x'), CALL)).response?.data ?? '').pid
  await backend.handle(request('update', 'put', { key: 'a', value: 'kept' }), CALL)
  await assert.rejects(backend.handle(request('update', 'crash'), CALL), { ...CRASHED, mayHaveHappened: true })
  const after = JSON.parse((await backend.handle(request('read', 'x'), CALL)).response?.data ?? '').pid
  assert.notEqual(before, after)
  const { response } = await backend.handle(request('read', 'get', { key: 'a' }), CALL)
  assert.equal(JSON.parse(response?.data ?? '').value, 'kept')
  assert.equal(warnings.filter((warning) => warning.includes('ended')).length, 1)
})

test('the last words of a process that panics are heard', async (t) => {
  const { plugins, log } = rig(t)
  const backend = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  await assert.rejects(backend.handle(request('read', 'panic'), CALL), CRASHED)
  for (let at = 0; at < 50 && log.length < 2; at++) await sleep(10)
  assert.deepEqual(
    log.map(({ level, message }) => [level, message]),
    [
      ['error', 'panic: runtime error'],
      ['debug', 'goroutine 1 [running]:'],
    ],
  )
})

test('a set-up that hangs ends at its time limit, and the process with it', async (t) => {
  const { plugins, folder } = rig(t, { startTimeoutMs: 2000 })
  const opened = plugins.backend(hostile(t, 'hang-in', 'Setup'), mountOf('m/'), servicesOf())
  await assert.rejects(opened, { code: 'ERR_PORTCULLIS_PLUGIN_TIMEOUT' })
  assert.deepEqual(processesNaming(folder), [])
})

test('a crash in the existence check, in an invalidation and in a clean-up are told, or forgiven at the end', async (t) => {
  const { plugins } = rig(t)
  const backends = await Promise.all(
    ['HandleExistenceCheck', 'InvalidateKey', 'Cleanup'].map((rpc) =>
      plugins.backend(hostile(t, 'crash-in', rpc), mountOf('m/'), servicesOf()),
    ),
  )
  await assert.rejects(backends[0]?.exists(request('update', 'x'), CALL) ?? Promise.resolve(), CRASHED)
  await assert.rejects(backends[1]?.invalidate('x') ?? Promise.resolve(), CRASHED)
  await backends[2]?.close()
})

test('all calls in flight fail at once when the process ends, and no other mount notices', async (t) => {
  const { plugins } = rig(t)
  const [bad, good] = await Promise.all([
    plugins.backend(hostile(t, 'good', 'bad'), mountOf('bad/'), servicesOf()),
    plugins.backend(hostile(t), mountOf('good/'), servicesOf()),
  ])
  const hanging = Array.from({ length: 20 }, () => bad.handle(request('read', 'hang'), CALL))
  const settled = Promise.allSettled(hanging)
  await sleep(100)
  await assert.rejects(bad.handle(request('update', 'abort'), CALL), CRASHED)
  const outcomes = await settled
  assert.ok(outcomes.every((outcome) => outcome.status === 'rejected' && outcome.reason.code === CRASHED.code))
  assert.ok((await good.handle(request('read', 'x'), CALL)).response)
})

test('a plugin that never answers costs its caller the time limit, and no more', async (t) => {
  const { plugins } = rig(t)
  const backend = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  await assert.rejects(backend.handle(request('update', 'hang'), { timeoutMs: 300 }), {
    code: 'ERR_PORTCULLIS_PLUGIN_TIMEOUT',
    mayHaveHappened: true,
  })
  const abort = new AbortController()
  const hanging = backend.handle(request('read', 'hang'), { ...CALL, signal: abort.signal })
  abort.abort(new Error('enough'))
  await assert.rejects(hanging, /enough/)
  assert.ok((await backend.handle(request('read', 'x'), CALL)).response)
})

test('a process that answers nothing any more is found out by a call, killed, and replaced', {
  skip: process.platform === 'win32' ? 'stops a process by a signal' : false,
}, async (t) => {
  const { plugins, warnings } = rig(t)
  const backend = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  const { response } = await backend.handle(request('update', 'x'), CALL)
  const { pid } = JSON.parse(response?.data ?? '')
  process.kill(pid, 'SIGSTOP')
  await assert.rejects(backend.handle(request('read', 'x'), { timeoutMs: 300 }), {
    code: 'ERR_PORTCULLIS_PLUGIN_TIMEOUT',
  })
  for (let tries = 0; processIsThere(pid); tries += 1) {
    assert.ok(tries < 600, 'it was not killed in time')
    await sleep(50)
  }
  const again = await backend.handle(request('update', 'x'), CALL)
  assert.notEqual(JSON.parse(again.response?.data ?? '').pid, pid)
  assert.ok(warnings.some((text) => text.includes('does not answer any more')))
})

function processIsThere(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a crash loop opens the breaker of that plugin alone', async (t) => {
  const { plugins } = rig(t)
  const bad = await plugins.backend(hostile(t, 'good', 'bad'), mountOf('bad/'), servicesOf())
  const good = await plugins.backend(hostile(t), mountOf('good/'), servicesOf())
  const codes: string[] = []
  for (let at = 0; at < 8 && codes.at(-1) !== 'ERR_PORTCULLIS_PLUGIN_UNAVAILABLE'; at++) {
    codes.push(await bad.handle(request('read', 'crash'), CALL).then(String, (error) => error.code))
  }
  assert.equal(codes.at(-1), 'ERR_PORTCULLIS_PLUGIN_UNAVAILABLE')
  assert.equal(codes.filter((code) => code === CRASHED.code).length, 5)
  await assert.rejects(bad.handle(request('read', 'x'), CALL), /next try in \d+ ms/)
  assert.ok((await good.handle(request('read', 'x'), CALL)).response)
})

test('an answer of 100 MB and one that is no message are errors of that call', async (t) => {
  const { plugins } = rig(t)
  const big = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  await assert.rejects(big.handle(request('read', 'big'), CALL), (error) => {
    return error instanceof PluginError && /TOO_LARGE|PROTOCOL/.test(error.code)
  })
  assert.ok((await big.handle(request('read', 'x'), CALL)).response)
  const nonsense = await plugins.backend(hostile(t, 'nonsense'), mountOf('n/'), servicesOf())
  await assert.rejects(nonsense.handle(request('read', 'x'), CALL), { code: 'ERR_PORTCULLIS_PLUGIN_PROTOCOL' })
})

test('words of a plugin that refuses its set-up are kept out of the message', async (t) => {
  const { plugins } = rig(t)
  await assert.rejects(plugins.backend(hostile(t, 'refuse-set-up'), mountOf('m/'), servicesOf()), (error) => {
    return error instanceof PluginError && !inspect(error).includes('s3cret') && error.detail().includes('s3cret')
  })
})

test('a plugin of another type than its entry says is refused', async (t) => {
  const { plugins } = rig(t)
  const opened = plugins.backend(hostile(t, 'auth'), mountOf('m/'), servicesOf())
  await assert.rejects(opened, { code: 'ERR_PORTCULLIS_PLUGIN_INVALID' })
})

test('lines after the handshake, log lines that kill Go hosts, and floods do no harm', async (t) => {
  const { plugins, log } = rig(t)
  const backend = await plugins.backend(hostile(t, 'two-lines'), mountOf('m/'), servicesOf())
  for (const path of ['bad-log', 'flood', 'flood-stdout']) await backend.handle(request('read', path), CALL)
  const before = process.cpuUsage()
  await sleep(1000)
  const { user, system } = process.cpuUsage(before)
  assert.ok((await backend.handle(request('read', 'x'), CALL)).response)
  t.diagnostic(`${Math.round((user + system) / 1000)} ms of CPU in a second of two floods, ${log.length} entries`)
  assert.ok(user + system < 700_000, `${(user + system) / 1000} ms of CPU in a second of flood`)
  assert.ok(log.length < 2500, `${log.length} entries`)
  await backend.close()
})

test('what it forks into a session of its own ends with it: found by environment after a crash', async (t) => {
  const { plugins, folder } = rig(t)
  const backend = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  const { pid } = JSON.parse((await backend.handle(request('read', 'fork'), CALL)).response?.data ?? '')
  await assert.rejects(backend.handle(request('read', 'crash'), CALL), CRASHED)
  await plugins.close()
  assert.ok(!(await isRunning(pid)))
  assert.deepEqual(processesNaming(folder), [])
})

test('what it forks with another environment ends with it when it is stopped', async (t) => {
  const { plugins } = rig(t)
  const backend = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  const { pid } = JSON.parse((await backend.handle(request('read', 'fork-scrubbed'), CALL)).response?.data ?? '')
  await backend.close()
  assert.ok(!(await isRunning(pid)))
})

test('one that ignores being asked and told is killed', async (t) => {
  const { plugins } = rig(t)
  const backend = await plugins.backend(hostile(t, 'ignore-sigterm'), mountOf('m/'), servicesOf())
  const { pid } = JSON.parse((await backend.handle(request('read', 'x'), CALL)).response?.data ?? '')
  await backend.close()
  assert.ok(!(await isRunning(pid)))
})

test('one that eats memory ends at its limit, and no other', async (t) => {
  const { plugins } = rig(t, { maxMemoryBytes: 400 * 1024 * 1024 })
  const [bad, good] = await Promise.all([
    plugins.backend(hostile(t, 'good', 'bad'), mountOf('bad/'), servicesOf()),
    plugins.backend(hostile(t), mountOf('good/'), servicesOf()),
  ])
  await assert.rejects(bad.handle(request('read', 'eat'), CALL), CRASHED)
  assert.ok((await good.handle(request('read', 'x'), CALL)).response)
  assert.ok((await bad.handle(request('read', 'x'), CALL)).response)
})

test('a value above the limit is refused to the plugin, which lives on', async (t) => {
  const { plugins } = rig(t, { storage: { maxValueBytes: 1000 } })
  const backend = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  const put = async (bytes: number): Promise<string> =>
    JSON.parse((await backend.handle(request('update', 'put-large', { bytes }), CALL)).response?.data ?? '').err
  assert.equal(await put(1001), 'storage failed: ERR_PORTCULLIS_STORAGE_QUOTA')
  assert.equal(await put(1000), '')
})

test('mounts of a plugin that multiplexes share a process, each with its own storage; the last one ends it', async (t) => {
  const { plugins } = rig(t)
  const entry = hostile(t, 'shared')
  const [a, b] = await Promise.all(['a/', 'b/'].map((path) => plugins.backend(entry, mountOf(path), servicesOf())))
  assert.ok(a && b)
  const pidOf = async (backend: typeof a): Promise<number> =>
    JSON.parse((await backend.handle(request('read', 'x'), CALL)).response?.data ?? '').pid
  assert.equal(await pidOf(a), await pidOf(b))
  await a.handle(request('update', 'put', { key: 'secret', value: 'of a' }), CALL)
  const { response } = await b.handle(request('read', 'get', { key: 'secret' }), CALL)
  assert.equal(JSON.parse(response?.data ?? '').value, null)
  const pid = await pidOf(b)
  await a.close()
  assert.equal(await pidOf(b), pid)
  await b.close()
  assert.ok(!(await isRunning(pid)))
})

test('no process, socket, folder or descriptor is left behind', async (t) => {
  const { plugins, folder } = rig(t)
  const before = readdirSync('/proc/self/fd').length
  for (let at = 0; at < 3; at++) {
    const backend = await plugins.backend(hostile(t, 'good', String(at)), mountOf('m/'), servicesOf())
    await assert.rejects(backend.handle(request('read', 'crash'), CALL), CRASHED)
    await backend.handle(request('read', 'x'), CALL)
    await backend.close()
  }
  await sleep(50)
  assert.ok(readdirSync('/proc/self/fd').length <= before + 1)
  await plugins.close()
  assert.deepEqual(processesNaming(folder), [])
  assert.deepEqual(readdirSync(join(folder, 'processes')), [])
})

test('a file that is not the registered one is not run: other bytes, swapped, overwritten in place, a link', async (t) => {
  const { plugins, folder } = rig(t)
  const evil = (path: string): string => `#!/bin/sh\ntouch ${path}.ran\n`
  const entry = hostile(t)
  const refused = { code: 'ERR_PORTCULLIS_PLUGIN_HASH' }
  const mounted = (): Promise<unknown> => plugins.backend(entry, mountOf('m/'), servicesOf())
  const original = readFileSync(entry.command)
  await assert.rejects(plugins.backend({ ...entry, sha256: 'a'.repeat(64) }, mountOf('m/'), servicesOf()), refused)
  writeFileSync(`${entry.command}.evil`, evil(entry.command), { mode: 0o755 })
  renameSync(`${entry.command}.evil`, entry.command)
  await assert.rejects(mounted(), refused)
  rmSync(entry.command)
  symlinkSync('/bin/true', entry.command)
  await assert.rejects(mounted(), refused)
  rmSync(entry.command)
  writeFileSync(entry.command, original, { mode: 0o755 })
  // Overwritten again and again while it is checked and started: good bytes run, or none.
  const overwriting = setInterval(() => {
    writeFileSync(entry.command, evil(entry.command))
    writeFileSync(entry.command, original)
  }, 0)
  const outcomes = await Promise.allSettled(Array.from({ length: 8 }, () => mounted()))
  clearInterval(overwriting)
  assert.ok(outcomes.every(({ status }) => status === 'fulfilled' || status === 'rejected'))
  assert.ok(!existsSync(`${entry.command}.ran`))
  await plugins.close()
  assert.deepEqual(processesNaming(folder), [])
})

test('a built-in plugin runs by this Node, without a file to be registered', async (t) => {
  const { plugins } = rig(t)
  const entry = { ...hostile(t), command: '', sha256: '', isBuiltin: true, args: [SOURCE, 'shared'] }
  const backend = await plugins.backend(entry, mountOf('m/'), servicesOf())
  assert.ok((await backend.handle(request('read', 'x'), CALL)).response)
})

test('a host that is closed starts nothing more', async (t) => {
  const { plugins } = rig(t)
  const backend = await plugins.backend(hostile(t), mountOf('m/'), servicesOf())
  await Promise.all([plugins.close(), plugins.close()])
  const closed = { code: 'ERR_PORTCULLIS_PLUGIN_UNAVAILABLE' }
  await assert.rejects(plugins.backend(hostile(t), mountOf('n/'), servicesOf()), closed)
  await assert.rejects(backend.handle(request('read', 'x'), CALL), closed)
  await backend.close()
})

test('an inspection of a hostile plugin ends, and has no storage behind it', async (t) => {
  const { plugins, folder } = rig(t)
  const seen = await plugins.inspect(hostile(t))
  assert.equal(seen.version, 'v6.6.6')
  assert.equal(seen.services, undefined)
  assert.deepEqual(seen.paths, [])
  const refusing = await plugins.inspect(hostile(t, 'refuse-set-up'))
  assert.match(refusing.differences.join(), /refuses a set-up/)
  assert.ok(!JSON.stringify(refusing).includes('s3cret'))
  assert.deepEqual(processesNaming(folder), [])
})

/** A zombie has ended; who collects it is another's affair. */
async function isRunning(pid: number): Promise<boolean> {
  for (let at = 0; at < 40; at++) {
    const stat = existsSync(`/proc/${pid}/stat`) ? readFileSync(`/proc/${pid}/stat`, 'latin1') : ') Z'
    if (/\) [ZX]/.test(stat)) return false
    await sleep(25)
  }
  return true
}
