import assert from 'node:assert/strict'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { changeTokens, makeToken } from 'portcullis/sidecar'
import { startBao } from '../support/bao.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { temporaryFolder } from './real.ts'
import { ask, OPEN, openWorld, runBao, type World } from './sidecar-world.ts'

const skip = await realServersAbsent()

/** Runs `bao` against the sidecar, and expects it to succeed. */
type Bao = (...args: readonly string[]) => Promise<string>

async function open(
  t: TestContext,
  leasedKv: boolean,
): Promise<{ readonly world: World; readonly bao: Bao; readonly rootToken: string }> {
  const server = await startBao(t, { leasedKv })
  if (leasedKv) await server.root('POST', 'secret/leased', { ttl: '1h', password: 'p' })
  const file = join(temporaryFolder(t), 'tokens.json')
  const { token, stored } = makeToken({ service: 'shell' }, new Date(Date.now() + 600_000))
  await changeTokens(file, () => [stored])
  const world = await openWorld(t, server, { tokens: { file }, listeners: [{ tcp: '127.0.0.1:0' }] })
  const bao: Bao = async (...args) => {
    const ended = await runBao(t, args, { BAO_ADDR: world.address, BAO_TOKEN: token })
    assert.equal(ended.code, 0, `bao ${args.join(' ')}: ${ended.stderr}${ended.stdout}`)
    return ended.stdout
  }
  return { world, bao, rootToken: server.rootToken }
}

test('the command line of the server works through the sidecar, unchanged', { skip }, async (t) => {
  const { world, bao, rootToken } = await open(t, false)

  await bao('kv', 'put', 'secret/app/a', 'color=green')
  assert.equal(await bao('kv', 'get', '-field=color', 'secret/app/a'), 'green')
  assert.deepEqual(JSON.parse(await bao('kv', 'list', '-format=json', 'secret/app')), ['a'])
  assert.deepEqual(JSON.parse(await bao('list', '-format=json', 'secret/metadata/app')), ['a'])
  await bao('kv', 'delete', 'secret/app/a')
  assert.notEqual(
    JSON.parse(await bao('kv', 'metadata', 'get', '-format=json', 'secret/app/a')).data.versions['1'].deletion_time,
    '',
  )
  await bao('write', 'secret/config', 'max_versions=5')
  assert.equal(JSON.parse(await bao('read', '-format=json', 'secret/config')).data.max_versions, 5)

  const own = await bao('token', 'lookup', '-format=json')
  assert.equal(own.includes(rootToken), false)
  const { data } = JSON.parse(own)
  assert.equal('id' in data || 'accessor' in data, false)
  assert.deepEqual(data.policies, ['root'])

  assert.match(await bao('status', '-format=json'), /"sealed": false/)

  assert.equal(world.audit().includes('"service":"shell"'), true)
  for (const secret of [rootToken, 'green']) assert.equal(world.audit().includes(secret), false)
})

test('leases are renewed, and answers wrapped and unwrapped, by the same command line', { skip }, async (t) => {
  const { world, bao } = await open(t, true)
  const lease = JSON.parse(await bao('read', '-format=json', 'secret/leased'))
  const renewed = JSON.parse(await bao('lease', 'renew', '-format=json', lease.lease_id))
  assert.equal(renewed.lease_id, lease.lease_id)

  const wrapped = JSON.parse(await bao('read', '-format=json', '-wrap-ttl=60s', 'secret/leased'))
  assert.equal(wrapped.wrap_info.ttl, 60)
  const inside = JSON.parse(await bao('unwrap', '-format=json', wrapped.wrap_info.token))
  assert.equal(inside.data.password, 'p')
  assert.equal(world.audit().includes(wrapped.wrap_info.token), false)
})

test('an answer from a lease is marked, and tells the time that is left', { skip }, async (t) => {
  const server = await startBao(t, { leasedKv: true })
  await server.root('POST', 'secret/leased', { ttl: '1h', password: 'p' })
  const { address } = await openWorld(t, server, { listeners: [OPEN] })

  const first = await ask(address, 'GET', '/v1/secret/leased')
  await new Promise((resolve) => setTimeout(resolve, 1_100))
  const second = await ask(address, 'GET', '/v1/secret/leased')

  assert.equal(first.headers['x-cache'], 'MISS')
  assert.equal(first.headers.age, undefined)
  assert.equal(second.headers['x-cache'], 'HIT')
  assert.ok(Number(second.headers.age) >= 1)
  const [told, again] = [JSON.parse(first.text), JSON.parse(second.text)]
  assert.equal(again.lease_id, told.lease_id)
  assert.ok(again.lease_duration < told.lease_duration)
  assert.deepEqual({ ...again, lease_duration: 0 }, { ...told, lease_duration: 0 })
})

test('a server that is down is told as such, and one that is sealed tells its own state', { skip }, async (t) => {
  const server = await startBao(t)
  const { address } = await openWorld(t, server)
  assert.equal((await ask(address, 'GET', '/v1/sys/health')).status, 200)
  await server.root('PUT', 'sys/seal')
  const sealed = await ask(address, 'GET', '/v1/sys/health')
  assert.equal(sealed.status, 503)
  assert.equal(JSON.parse(sealed.text).sealed, true)
  assert.equal(JSON.parse((await ask(address, 'GET', '/v1/sys/seal-status')).text).sealed, true)

  await server.stop()
  const down = await ask(address, 'GET', '/v1/sys/health')
  assert.equal(down.status, 502)
  assert.match(JSON.parse(down.text).errors[0], /nothing listens/)
})
