import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { inspect } from 'node:util'
import { PluginError } from '../../../lib/errors/index.ts'
import type { Backend } from '../../../lib/model/backend.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import {
  ELASTICSEARCH_PLUGIN,
  goPlugin,
  JWT_PLUGIN,
  KV_PLUGIN,
  OPENBAO_MOCK,
  REDIS_PLUGIN,
  VAULT_MOCK,
} from '../../support/go-plugins.ts'
import { CALL, entryOf, mountOf, processesNaming, request, rig, servicesOf } from './plugins-for-test.ts'

const V2 = { options: { version: '2' } }

async function value(backend: Backend, path: string): Promise<unknown> {
  const { response } = await backend.handle(request('read', path), CALL)
  return JSON.parse(response?.data ?? 'null')?.data
}

test('kv 0.25.0 stores, reads, lists and tells what exists', async (t) => {
  const { plugins } = rig(t)
  const entry = entryOf(await goPlugin(t, KV_PLUGIN), { name: 'kv' })
  const backend = await plugins.backend(entry, mountOf('kv/', V2), servicesOf())
  const check = await backend.exists(request('update', 'data/a', { data: { x: 1 } }), CALL)
  assert.deepEqual(check, { checked: true, exists: false })
  await backend.handle(request('create', 'data/a', { data: { x: 1 } }), CALL)
  assert.deepEqual(await value(backend, 'data/a'), { x: 1 })
  const { response } = await backend.handle(request('list', 'metadata/'), CALL)
  assert.deepEqual(JSON.parse(response?.data ?? '').keys, ['a'])
})

test('kv goes on after kill -9, with all that it had stored', async (t) => {
  const { plugins, folder } = rig(t)
  const entry = entryOf(await goPlugin(t, KV_PLUGIN), { name: 'kv' })
  const backend = await plugins.backend(entry, mountOf('kv/', V2), servicesOf())
  await backend.handle(request('create', 'data/a', { data: { x: 1 } }), CALL)
  for (let at = 0; at < 2; at++) {
    for (const pid of processesNaming(`${folder}/artefacts`)) process.kill(pid, 'SIGKILL')
    assert.deepEqual(await again(() => value(backend, 'data/a')), { x: 1 })
  }
})

/** The call that meets the crash fails by rule; the next one must not. */
async function again<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    assert.ok(error instanceof PluginError && error.code === 'ERR_PORTCULLIS_PLUGIN_CRASHED', String(error))
    return await run()
  }
}

test('two mounts of kv share one process and no storage', async (t) => {
  const { plugins, folder } = rig(t)
  const entry = entryOf(await goPlugin(t, KV_PLUGIN), { name: 'kv' })
  const [a, b] = [
    await plugins.backend(entry, mountOf('a/', V2), servicesOf()),
    await plugins.backend(entry, mountOf('b/', V2), servicesOf({ storage: memory() })),
  ]
  assert.equal(processesNaming(`${folder}/artefacts`).length, 1)
  await a.handle(request('create', 'data/x', { data: { of: 'a' } }), CALL)
  assert.deepEqual(await value(b, 'data/x'), undefined)
  await a.close()
  await b.handle(request('create', 'data/x', { data: { of: 'b' } }), CALL)
  assert.deepEqual(await value(b, 'data/x'), { of: 'b' })
})

for (const isolation of ['uid', 'sandbox'] as const) {
  test(`kv runs at level ${isolation}`, async (t) => {
    const command = await goPlugin(t, KV_PLUGIN)
    const { plugins } = rig(t, process.getuid?.() === 0 ? { users: { first: 770_000, count: 4 } } : {})
    const opened = plugins.backend(entryOf(command, { isolation }), mountOf('kv/', V2), servicesOf())
    const backend = await opened.catch((error: PluginError) => {
      if (error.code === 'ERR_PORTCULLIS_PLUGIN_ISOLATION' && !process.env.CI) return t.skip(error.message)
      throw error
    })
    if (backend === undefined) return
    await backend.handle(request('create', 'data/a', { data: { x: 1 } }), CALL)
    assert.deepEqual(await value(backend, 'data/a'), { x: 1 })
  })
}

test('from the start of kv to its first answer the host adds less than 250 ms', async (t) => {
  const { plugins } = rig(t)
  const entry = entryOf(await goPlugin(t, KV_PLUGIN), { name: 'kv' })
  const startedAtMs = performance.now()
  const backend = await plugins.backend(entry, mountOf('kv/', V2), servicesOf())
  await value(backend, 'config')
  const tookMs = performance.now() - startedAtMs
  t.diagnostic(`start to first answer, the plugin's own start included: ${Math.round(tookMs)} ms`)
  // The goal is 250 ms; what a busy machine adds must not fail the run.
  assert.ok(tookMs < 5000)
})

test('an unknown plugin tells what it is: paths, help, special paths, services, and no difference to ours', async (t) => {
  const { plugins, folder } = rig(t)
  const seen = await plugins.inspect(entryOf(await goPlugin(t, JWT_PLUGIN), { name: 'jwt', type: 'auth' }))
  assert.equal(seen.type, 'auth')
  assert.deepEqual(seen.differences, [])
  assert.ok(seen.services?.includes('pb.Backend'))
  assert.deepEqual(seen.specialPaths?.unauthenticated, ['login', 'oidc/auth_url', 'oidc/callback'])
  const login = seen.paths.find(({ path }) => path === 'login')
  assert.equal(login?.unauthenticated, true)
  assert.match(seen.help, /JWT backend/)
  assert.deepEqual(processesNaming(folder), [])
})

test('a database plugin that multiplexes makes and drops users, and is told its configuration anew after a crash', async (t) => {
  const asked: string[] = []
  const server = createServer((incoming, outgoing) => {
    asked.push(`${incoming.method} ${incoming.url}`)
    outgoing.setHeader('X-Elastic-Product', 'Elasticsearch')
    outgoing.setHeader('Content-Type', 'application/json')
    outgoing.end('{"superuser":{"cluster":["all"]}}')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const { plugins, folder } = rig(t)
  const driver = await plugins.database(
    entryOf(await goPlugin(t, ELASTICSEARCH_PLUGIN), { name: 'es', type: 'database' }),
  )
  assert.equal(await driver.type(), 'elasticsearch')
  const config = { url, username: 'admin', password: 'pw' }
  assert.equal((await driver.initialize(config, true)).url, url)
  const user = {
    displayName: 'token',
    roleName: 'role',
    credentialType: 'password' as const,
    password: 'Passw0rd-x',
    publicKey: '',
    subject: '',
    expiresAtMs: Date.now() + 60_000,
    statements: ['{"elasticsearch_roles": ["superuser"]}'],
    rollbackStatements: [],
  }
  const name = await driver.newUser(user)
  assert.match(name, /^v-token-role-/)
  for (const pid of processesNaming(`${folder}/artefacts`)) process.kill(pid, 'SIGKILL')
  await again(() => driver.deleteUser(name, []))
  assert.ok(asked.some((line) => line.startsWith('DELETE') && line.includes(name)))
  await assert.rejects(driver.newUser({ ...user, statements: ['not json, s3cret'] }), (error) => {
    return (
      error instanceof PluginError && error.code === 'ERR_PORTCULLIS_PLUGIN_DRIVER' && !/s3cret/.test(inspect(error))
    )
  })
  await driver.close()
  assert.deepEqual(processesNaming(folder), [])
})

test('a database plugin of one instance a process speaks too, and one that cannot connect is a coded error', async (t) => {
  const { plugins } = rig(t)
  const driver = await plugins.database(entryOf(await goPlugin(t, REDIS_PLUGIN), { name: 'redis', type: 'database' }))
  assert.equal(await driver.type(), 'redis')
  const config = { host: '127.0.0.1', port: 1, username: 'u', password: 'p4ss' }
  await assert.rejects(driver.initialize(config, true), { code: 'ERR_PORTCULLIS_PLUGIN_DRIVER' })
})

for (const mock of [VAULT_MOCK, OPENBAO_MOCK]) {
  test(`${mock.name}: storage, every kind of error, an invalidation and a death in the middle of a request`, async (t) => {
    const { plugins } = rig(t)
    const backend = await plugins.backend(
      entryOf(await goPlugin(t, mock), { name: mock.name }),
      mountOf('m/'),
      servicesOf(),
    )
    const data = async (operation: 'read' | 'update' | 'list', path: string, sent: unknown = {}): Promise<unknown> =>
      JSON.parse((await backend.handle(request(operation, path, sent), CALL)).response?.data ?? 'null')
    await backend.handle(request('create', 'kv/a', { value: 'x' }), CALL)
    assert.deepEqual(await data('list', 'kv/'), { keys: ['a'] })
    await data('update', 'internal', { value: 'n' })
    await backend.invalidate('internal')
    assert.deepEqual(await data('read', 'internal'), { value: '' })
    const kinds: unknown[] = []
    for (let at = 0; at < 10; at++) {
      const { error } = await backend.handle(request('update', 'errors/type', { err_type: at }), CALL)
      kinds.push(error?.kind)
    }
    assert.deepEqual(kinds, KINDS)
    // It answers that it is about to end, or ends before it has answered.
    await backend.handle(request('read', 'errors/kill'), CALL).catch((error) => {
      assert.equal(error.code, 'ERR_PORTCULLIS_PLUGIN_CRASHED')
    })
    assert.equal(((await again(() => data('read', 'kv/a'))) as { value: string }).value, 'x')
  })
}

const KINDS = [
  'other',
  'user',
  'internal',
  'coded',
  'bad-request',
  'unsupported-operation',
  'unsupported-path',
  'invalid-request',
  'permission-denied',
  'needs-approval',
]
