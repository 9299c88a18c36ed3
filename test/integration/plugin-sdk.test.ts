import assert from 'node:assert/strict'
import { existsSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { until } from '../plugin-host/wire/grpc/peers.ts'
import type { Bao } from '../support/bao.ts'
import { type BaoWithPlugins, startBaoWithPlugins } from '../support/bao-plugins.ts'
import { realServersAbsent } from '../support/real-servers.ts'

const skip = await realServersAbsent()

async function mounted(t: TestContext, env: readonly string[] = []): Promise<BaoWithPlugins> {
  const server = await startBaoWithPlugins(t)
  await server.register('secret', 'accounts', 'test/plugin/served/accounts.ts', { env })
  const startedMs = performance.now()
  await server.bao.root('POST', 'sys/mounts/accounts', { type: 'accounts' })
  t.diagnostic(`mounted within ${Math.round(performance.now() - startedMs)} ms`)
  return server
}

async function pidOf(bao: Bao, mount = 'accounts'): Promise<number> {
  return (await bao.root('GET', `${mount}/process`)).body.data.pid
}

/** The process that started `pid`. */
function serverOf(pid: number): number {
  return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ')[1])
}

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

test('a real server registers a plugin by its hash, mounts it, and knows its version', { skip }, async (t) => {
  const { bao } = await mounted(t)
  const { body } = await bao.root('GET', 'sys/plugins/catalog/secret/accounts?version=v1.2.3')
  assert.equal(body.data.version, 'v1.2.3')
  const mounts = await bao.root('GET', 'sys/mounts/accounts')
  assert.equal(mounts.body.data.running_plugin_version, 'v1.2.3')
})

test('a file that was changed after it was registered does not run', { skip }, async (t) => {
  const { bao, register } = await startBaoWithPlugins(t)
  const file = await register('secret', 'accounts', 'test/plugin/served/accounts.ts')
  writeFileSync(file, `${readFileSync(file, 'utf8')}\n`)
  assert.equal((await bao.call(bao.rootToken, 'POST', 'sys/mounts/accounts', { type: 'accounts' })).status, 400)
})

test('requests, lists, warnings and errors look as those of any plugin', { skip }, async (t) => {
  const { bao } = await mounted(t)
  const call = async (method: string, path: string, body?: object) => {
    const answer = await bao.call(bao.rootToken, method, `accounts/${path}`, body)
    return [answer.status, answer.body?.data ?? answer.body?.errors]
  }
  assert.deepEqual(await call('GET', 'roles/app'), [404, []])
  assert.deepEqual(await call('POST', 'roles/app', { ttl: '2h', groups: 'a,b' }), [200, { created: true }])
  assert.deepEqual(await call('POST', 'roles/app', { ttl: '1h' }), [204, undefined])
  assert.deepEqual(await call('GET', 'roles/app'), [200, { ttl: 3600, groups: [] }])
  assert.deepEqual(await call('LIST', 'roles'), [200, { keys: ['app'] }])
  assert.deepEqual(await call('GET', 'roles?list=true'), [200, { keys: ['app'] }])
  assert.equal((await call('POST', 'roles/app', { ttl: 'x' }))[0], 400)
  assert.deepEqual(await call('GET', 'fail/refuse'), [400, ['not today']])
  assert.equal((await call('GET', 'fail/denied'))[0], 403)
  assert.equal((await call('GET', 'fail/teapot'))[0], 418)
  assert.deepEqual(await call('GET', 'fail/boom'), [500, ['1 error occurred:\n\t* internal error\n\n']])
  assert.equal((await call('GET', 'nowhere'))[0], 404)
  assert.equal((await call('DELETE', 'creds/app'))[0], 405)
  assert.deepEqual(await call('DELETE', 'roles/app'), [204, undefined])
  const warned = await bao.root('POST', 'accounts/roles/other', { zebra: 1 })
  assert.deepEqual(warned.body.warnings, ['Endpoint ignored these unrecognized parameters: [zebra]'])
  assert.doesNotMatch(bao.log(), /hunter2/)
})

test('unauthenticated paths take no token, and others do', { skip }, async (t) => {
  const { bao } = await mounted(t)
  assert.equal((await bao.call(undefined, 'GET', 'accounts/open/x/y')).status, 200)
  assert.equal((await bao.call(undefined, 'GET', 'accounts/roles/app')).status, 403)
})

test('leases are issued, renewed with their secret, and revoked', { skip }, async (t) => {
  const { bao } = await mounted(t)
  await bao.root('POST', 'accounts/roles/app', { ttl: '1h' })
  const { body } = await bao.root('GET', 'accounts/creds/app')
  assert.deepEqual([body.lease_duration, body.renewable], [3600, true])
  for (const increment of [1800, 900]) {
    const renewed = await bao.root('POST', 'sys/leases/renew', { lease_id: body.lease_id, increment })
    assert.equal(renewed.body.lease_duration, increment)
  }
  const accounts = async () => (await bao.root('GET', 'accounts/process')).body.data.accounts
  assert.deepEqual(await accounts(), ['app-0'])
  await bao.root('POST', 'sys/leases/revoke', { lease_id: body.lease_id, sync: true })
  assert.deepEqual(await accounts(), [])
})

test('an unmount revokes what is left, and ends the process', { skip }, async (t) => {
  const { bao } = await mounted(t)
  await bao.root('POST', 'accounts/roles/app', {})
  await bao.root('GET', 'accounts/creds/app')
  const pid = await pidOf(bao)
  await bao.root('DELETE', 'sys/mounts/accounts')
  await until(() => !isAlive(pid), 'the end of the process')
})

test('help and its OpenAPI document are part of those of the server', { skip }, async (t) => {
  const { bao } = await mounted(t)
  const help = await bao.root('GET', 'accounts/roles/app?help=1')
  assert.match(help.body.help, /A role: how accounts are made\.[\s\S]*ttl \(duration, default 3600\)/)
  const { body } = await bao.root('GET', 'sys/internal/specs/openapi')
  const item = body.paths['/accounts/roles/{name}']
  assert.equal(item['x-vault-createSupported'], true)
  const { schema } = item.post.requestBody.content['application/json']
  assert.deepEqual(schema.properties.ttl, {
    type: 'integer',
    format: 'seconds',
    description: 'How long it lives.',
    default: 3600,
  })
})

test('two mounts share a process with multiplexing, and have one each without', { skip }, async (t) => {
  for (const [env, same] of [
    [[], true],
    [['TEST_NO_MULTIPLEXING=1'], false],
  ] as const) {
    const { bao } = await mounted(t, env)
    await bao.root('POST', 'sys/mounts/second', { type: 'accounts' })
    await bao.root('POST', 'second/roles/app', {})
    assert.equal((await bao.call(bao.rootToken, 'GET', 'accounts/roles/app')).status, 404)
    assert.equal((await pidOf(bao)) === (await pidOf(bao, 'second')), same)
  }
})

test('after a crash the server starts it again, and storage is as it was', { skip }, async (t) => {
  const { bao } = await mounted(t)
  await bao.root('POST', 'accounts/roles/app', { ttl: 60 })
  const pid = await pidOf(bao)
  assert.equal((await bao.call(bao.rootToken, 'GET', 'accounts/crash')).status, 500)
  await until(() => !isAlive(pid), 'the end of the process')
  assert.equal((await bao.root('GET', 'accounts/roles/app')).body.data.ttl, 60)
  assert.notEqual(await pidOf(bao), pid)
})

test('a reload brings a new process', { skip }, async (t) => {
  const { bao } = await mounted(t)
  const pid = await pidOf(bao)
  await bao.root('POST', 'sys/plugins/reload/backend', { plugin: 'accounts' })
  assert.notEqual(await pidOf(bao), pid)
  assert.ok(!isAlive(pid))
})

test('what a library prints reaches the log of the server, and never its pipe', { skip }, async (t) => {
  const { bao } = await mounted(t)
  for (let count = 0; count < 5; count += 1) await bao.root('GET', 'accounts/print').catch(() => undefined)
  assert.ok((await pidOf(bao)) > 0)
  await until(() => bao.log().includes('printed by a library'), 'the line')
})

test('a plugin ends when its server was killed, and leaves no socket', { skip }, async (t) => {
  const { bao } = await mounted(t)
  const pid = await pidOf(bao)
  const socket = /plugin listens: address=(\S+)/.exec(bao.log())?.[1]
  process.kill(serverOf(pid), 'SIGKILL')
  await until(() => !isAlive(pid), 'the end of the process')
  if (socket !== undefined) assert.ok(!existsSync(socket))
})

test('an auth method logs in, and its tokens are renewed', { skip }, async (t) => {
  const { bao, register } = await startBaoWithPlugins(t)
  await register('auth', 'passphrases', 'test/plugin/served/passphrases.ts')
  await bao.root('POST', 'sys/auth/words', { type: 'passphrases' })
  await bao.root('POST', 'auth/words/users/ann', { passphrase: 'open sesame', policies: 'one,two' })
  assert.equal((await bao.call(undefined, 'POST', 'auth/words/login/ann', { passphrase: 'x' })).status, 403)
  const login = await bao.call(undefined, 'POST', 'auth/words/login/ann', { passphrase: 'open sesame' })
  const { auth } = login.body
  assert.deepEqual([...auth.policies].sort(), ['default', 'one', 'two'])
  assert.deepEqual([auth.lease_duration, auth.renewable, auth.metadata.from], [600, true, '127.0.0.1'])
  const lookup = await bao.call(auth.client_token, 'GET', 'auth/token/lookup-self')
  assert.equal(lookup.body.data.display_name, 'words-ann')
  const renewed = await bao.call(auth.client_token, 'POST', 'auth/token/renew-self', { increment: 300 })
  assert.equal(renewed.body.auth.lease_duration, 300)
  await bao.root('DELETE', 'auth/words/users/ann')
  assert.equal((await bao.call(auth.client_token, 'POST', 'auth/token/renew-self')).status, 400)
})

test('a database driver serves the database engine of a server', { skip }, async (t) => {
  const { bao, folder, register } = await startBaoWithPlugins(t)
  await register('database', 'users-file', 'test/plugin/served/users-file.ts')
  const file = join(folder, 'users.json')
  const config = { plugin_name: 'users-file', allowed_roles: '*', file, username: 'root', password: 'p' }
  await bao.root('POST', 'sys/mounts/database', { type: 'database' })
  const refused = await bao.call(bao.rootToken, 'POST', 'database/config/one', config)
  assert.equal(refused.status, 400)
  assert.match(refused.body.errors[0], /the file cannot be read/)
  writeFileSync(file, '{}')
  await bao.root('POST', 'database/config/one', config)
  await bao.root('POST', 'database/roles/app', { db_name: 'one', creation_statements: 'MAKE', default_ttl: '1h' })
  const users = (): Record<string, string> => JSON.parse(readFileSync(file, 'utf8'))
  const { body } = await bao.root('GET', 'database/creds/app')
  assert.equal(users()[body.data.username], body.data.password)
  assert.match(body.data.username, /^app-MAKE-/)
  await bao.root('POST', 'sys/leases/revoke', { lease_id: body.lease_id, sync: true })
  assert.deepEqual(users(), {})
  writeFileSync(file, JSON.stringify({ fixed: 'old' }))
  await bao.root('POST', 'database/static-roles/fixed', { db_name: 'one', username: 'fixed', rotation_period: '1h' })
  const fixed = await bao.root('GET', 'database/static-creds/fixed')
  assert.equal(users().fixed, fixed.body.data.password)
})
