import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type DatabaseDriver, definePlugin, type NewUser, PluginRefusal, type UpdateUser } from 'portcullis/plugin'
import { newUserToWire, updateUserToWire } from '../../lib/plugin-host/wire/database.ts'
import { DatabaseService, PluginVersionService } from '../../lib/plugin-host/wire/gen/services.ts'
import type { Channel } from '../../lib/plugin-host/wire/grpc/channel.ts'
import { GRPC_STATUS } from '../../lib/plugin-host/wire/grpc/status.ts'
import { structFromWire, structToWire } from '../../lib/plugin-host/wire/struct.ts'
import { ends } from '../plugin-host/wire/grpc/peers.ts'
import { plugin } from './example.ts'
import { BACKEND_COOKIE, DATABASE_COOKIE, metadata, startFakeHost } from './fake-host.ts'

const closed: string[] = []

function open(): DatabaseDriver {
  let name = ''
  return {
    async initialize(config) {
      name = String(config.name)
      return { ...config, seen: true }
    },
    async newUser(user) {
      if (user.roleName === 'refuse') throw new PluginRefusal('no such role')
      if (user.roleName === 'boom') throw new Error(`syntax error near ${user.password}`)
      return `${name}-${user.roleName}-${user.expiresAtMs}`
    },
    async updateUser() {},
    async deleteUser() {},
    type: async () => 'map',
    async close() {
      closed.push(name)
    },
  }
}

const driver = definePlugin({ name: 'map', version: 'v2.0.0', type: 'database', open })

const USER: NewUser = {
  displayName: 'd',
  roleName: 'app',
  credentialType: 'password',
  password: 'hunter2',
  publicKey: '',
  subject: '',
  expiresAtMs: 1_700_000_000_000,
  statements: [],
  rollbackStatements: [],
}

async function initialize(channel: Channel, id: string): Promise<unknown> {
  const request = { configData: structToWire({ name: id, limit: 5 }), verifyConnection: true }
  return structFromWire((await channel.unary(DatabaseService.initialize, request, metadata(id))).configData)
}

async function newUser(channel: Channel, id: string, user: NewUser): Promise<string> {
  return (await channel.unary(DatabaseService.newUser, newUserToWire(user), metadata(id))).username
}

test('connections of one process have a driver each, by protocol 6', async (t) => {
  const { channel, running } = await startFakeHost(t, [driver])
  assert.match(running.line, /^1\|6\|/)
  assert.deepEqual(await initialize(channel, 'one'), { name: 'one', limit: 5, seen: true })
  await initialize(channel, 'two')
  assert.equal(await newUser(channel, 'one', USER), 'one-app-1700000000000')
  await channel.unary(DatabaseService.close, {}, metadata('one'))
  await ends(newUser(channel, 'one', USER), GRPC_STATUS.unknown, /no database instance found/)
  assert.equal(await newUser(channel, 'two', USER), 'two-app-1700000000000')
  assert.deepEqual(closed.splice(0), ['one'])
})

test('without multiplexing, or for a host that lacks it, protocol 5 is spoken', async (t) => {
  const one = await startFakeHost(t, [driver], { multiplexing: false })
  assert.match(one.running.line, /^1\|5\|/)
  const other = await startFakeHost(t, [driver], { env: { PLUGIN_PROTOCOL_VERSIONS: '5' } })
  assert.match(other.running.line, /^1\|5\|/)
  await initialize(other.channel, 'one')
  assert.equal(await newUser(other.channel, '', USER), 'one-app-1700000000000')
})

test('a refusal reaches the operator, and the words of a database do not', async (t) => {
  const { channel, lines } = await startFakeHost(t, [driver])
  await initialize(channel, 'one')
  const failed = (roleName: string): Promise<string> => newUser(channel, 'one', { ...USER, roleName })
  await ends(failed('refuse'), GRPC_STATUS.internal, /^unable to create new user: no such role$/)
  await ends(failed('boom'), GRPC_STATUS.internal, /^unable to create new user: internal error$/)
  assert.doesNotMatch(lines.join(''), /hunter2/)
})

test('requests that lack what they need are invalid', async (t) => {
  const { channel } = await startFakeHost(t, [driver])
  await initialize(channel, 'one')
  const invalid = (work: Promise<unknown>): Promise<void> => ends(work, GRPC_STATUS.invalidArgument)
  const change = (update: UpdateUser): Promise<unknown> =>
    channel.unary(DatabaseService.updateUser, updateUserToWire(update), metadata('one'))
  await invalid(
    channel.unary(DatabaseService.newUser, { ...newUserToWire(USER), usernameConfig: undefined }, metadata('one')),
  )
  await invalid(channel.unary(DatabaseService.newUser, { ...newUserToWire(USER), credentialType: 9 }, metadata('one')))
  await invalid(change({ username: 'a', credentialType: 'password' }))
  await invalid(change({ username: '', credentialType: 'password', password: { value: 'x', statements: [] } }))
  await invalid(channel.unary(DatabaseService.deleteUser, { username: '', statements: undefined }, metadata('one')))
})

test('a process of both kinds serves both to one host, and is told apart by how it was started', async (t) => {
  const both = { VAULT_BACKEND_PLUGIN: BACKEND_COOKIE, VAULT_DATABASE_PLUGIN: DATABASE_COOKIE }
  const host = await startFakeHost(t, [plugin, driver], { env: both })
  assert.equal(await host.setup('mount'), '')
  await initialize(host.channel, 'connection')
  assert.equal(await newUser(host.channel, 'connection', USER), 'connection-app-1700000000000')
  assert.deepEqual((await host.handle('mount', { path: 'fail/refuse' })).data, { error: 'not today' })
  assert.equal((await host.channel.unary(PluginVersionService.version, {})).pluginVersion, 'v1.2.3')
  const env = { VAULT_BACKEND_PLUGIN: '', VAULT_DATABASE_PLUGIN: DATABASE_COOKIE, PLUGIN_PROTOCOL_VERSIONS: '5,6' }
  const asDriver = await startFakeHost(t, [plugin, driver], { env })
  assert.match(asDriver.running.line, /^1\|6\|/)
  assert.equal((await asDriver.channel.unary(PluginVersionService.version, {})).pluginVersion, 'v2.0.0')
})
