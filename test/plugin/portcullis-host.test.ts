import assert from 'node:assert/strict'
import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Backend } from '../../lib/model/backend.ts'
import {
  CALL,
  entryOf,
  mountOf,
  processesNaming,
  request,
  rig,
  servicesOf,
} from '../plugin-host/process/plugins-for-test.ts'
import { until } from '../plugin-host/wire/grpc/peers.ts'
import { ROOT } from '../support/imports.ts'

/** A script that serves one of the plugins beside this file, as the catalog has it. */
function script(t: TestContext, name: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'sdk-plugin-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, name)
  const source = join(ROOT, 'test/plugin/served', `${name}.ts`)
  const head = `#!/usr/bin/env -S ${process.execPath} --conditions=portcullis-source`
  writeFileSync(file, `${head}\nimport(${JSON.stringify(source)})\n`)
  chmodSync(file, 0o755)
  return file
}

async function answer(backend: Backend, ...of: Parameters<typeof request>): Promise<unknown> {
  const { response, error } = await backend.handle(request(...of), CALL)
  return error === undefined ? JSON.parse(response?.data ?? 'null') : error.kind
}

test('the same file runs in our own host: requests, leases, periodic work, help', async (t) => {
  const { plugins, log } = rig(t)
  const backend = await plugins.backend(
    entryOf(script(t, 'accounts'), { name: 'accounts' }),
    mountOf('m/', { pluginName: 'accounts' }),
    servicesOf(),
  )
  assert.deepEqual(backend.specialPaths.unauthenticated, ['open', 'open/*'])
  assert.deepEqual(await backend.exists(request('update', 'roles/app'), CALL), { checked: true, exists: false })
  assert.deepEqual(await answer(backend, 'create', 'roles/app', { ttl: '1h' }), { created: true })
  assert.deepEqual(await backend.exists(request('update', 'roles/app'), CALL), { checked: true, exists: true })
  assert.deepEqual(await answer(backend, 'list', 'roles/'), { keys: ['app'] })
  const { response } = await backend.handle(request('read', 'creds/app'), CALL)
  const { secret } = response ?? {}
  assert.ok(secret !== undefined)
  assert.deepEqual([secret.ttlMs, secret.renewable], [3_600_000, true])
  const renewed = await backend.handle({ ...request('renew', 'creds/app'), secret }, CALL)
  assert.equal(renewed.response?.secret?.internalData, secret.internalData)
  assert.deepEqual(await backend.handle({ ...request('revoke', 'creds/app'), secret }, CALL), {})
  assert.deepEqual(await backend.handle(request('rollback', ''), CALL), {})
  await until(() => log.some(({ message, level }) => message === 'tidied' && level === 'info'), 'the line of the log')
  assert.equal(await answer(backend, 'read', 'fail/boom'), 'other')
  assert.doesNotMatch(JSON.stringify(log), /hunter2/)
})

test('our host sees what it is before it is trusted', async (t) => {
  const { plugins } = rig(t)
  const seen = await plugins.inspect(entryOf(script(t, 'accounts'), { name: 'accounts' }))
  assert.deepEqual(
    [seen.type, seen.version, seen.protocolVersion, seen.multiplexing, seen.differences],
    ['secret', 'v1.2.3', 5, true, []],
  )
  assert.match(seen.help, /Makes accounts of a service/)
  const open = seen.paths.filter(({ unauthenticated }) => unauthenticated).map(({ path }) => path)
  assert.equal(open.length, 1)
  assert.deepEqual(seen.services?.toSorted(), [
    'grpc.health.v1.Health',
    'grpc.reflection.v1.ServerReflection',
    'grpc.reflection.v1alpha.ServerReflection',
    'logical.PluginVersion',
    'pb.Backend',
    'plugin.GRPCBroker',
    'plugin.GRPCController',
    'plugin.GRPCStdio',
    'pluginutil.multiplexing.PluginMultiplexing',
  ])
})

test('its process ends with the last mount', async (t) => {
  const { plugins, folder } = rig(t)
  const entry = entryOf(script(t, 'accounts'), { name: 'accounts' })
  const one = await plugins.backend(entry, mountOf('one/'), servicesOf())
  const two = await plugins.backend(entry, mountOf('two/'), servicesOf())
  assert.equal(processesNaming(`${folder}/artefacts`).length, 1)
  await one.close()
  assert.deepEqual(await answer(two, 'create', 'roles/app', {}), { created: true })
  await two.close()
  await until(() => processesNaming(`${folder}/artefacts`).length === 0, 'the end of the process')
})

test('a database driver serves our own host', async (t) => {
  const { plugins, folder } = rig(t)
  const driver = await plugins.database(entryOf(script(t, 'users-file'), { name: 'users-file', type: 'database' }))
  const file = join(folder, 'users.json')
  await assert.rejects(driver.initialize({ file }, true))
  writeFileSync(file, '{}')
  await driver.initialize({ file }, true)
  const name = await driver.newUser({
    displayName: 'd',
    roleName: 'app',
    credentialType: 'password',
    password: 'p',
    publicKey: '',
    subject: '',
    expiresAtMs: Date.now() + 1_000,
    statements: ['MAKE'],
    rollbackStatements: [],
  })
  assert.deepEqual(JSON.parse(readFileSync(file, 'utf8')), { [name]: 'p' })
  await driver.deleteUser(name, [])
  assert.equal(readFileSync(file, 'utf8'), '{}')
  assert.equal(await driver.type(), 'users-file')
  await driver.close()
})
