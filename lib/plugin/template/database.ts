import type { PluginSources } from './template.ts'

/** A database driver, whose database is a map until you put yours there. */
export const databaseTemplate: PluginSources = {
  plugin: `import { type DatabaseDriver, definePlugin, PluginRefusal } from 'portcullis/plugin'

/** One configured connection. Put the client of your database where the map is. */
function open(): DatabaseDriver {
  const users = new Map<string, string>()
  let next = 1
  return {
    async initialize(config, verifyConnection) {
      // Only the text of a PluginRefusal reaches the operator: a client's own errors can hold passwords.
      if (verifyConnection && typeof config.connection_url !== 'string')
        throw new PluginRefusal('connection_url is missing')
      return { ...config, supported_credential_types: ['password'] }
    },
    async newUser({ roleName, password }) {
      const name = \`v-\${roleName}-\${next++}\`
      users.set(name, password)
      return name
    },
    async updateUser({ username, password }) {
      if (!users.has(username)) throw new PluginRefusal('there is no such user')
      if (password !== undefined) users.set(username, password.value)
    },
    async deleteUser(username) {
      users.delete(username)
    },
    type: async () => 'NAME',
    async close() {
      users.clear()
    },
  }
}

export const plugin = definePlugin({ name: 'NAME', version: 'v0.1.0', type: 'database', open })
`,
  test: `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createMemoryHost } from 'portcullis/plugin/testing'
import { plugin } from './plugin.ts'

const { log } = createMemoryHost()
const user = {
  displayName: 'token',
  roleName: 'app',
  credentialType: 'password',
  password: 'p',
  publicKey: '',
  subject: '',
  expiresAtMs: Infinity,
  statements: [],
  rollbackStatements: [],
} as const

test('a connection is verified when that is asked for', async () => {
  const driver = plugin.open({ log })
  await assert.rejects(driver.initialize({}, true), /connection_url is missing/)
  await driver.initialize({}, false)
})

test('users are made, changed and dropped, and to drop one twice is no error', async () => {
  const driver = plugin.open({ log })
  await driver.initialize({ connection_url: 'x' }, true)
  const username = await driver.newUser(user)
  assert.match(username, /^v-app-/)
  const password = { value: 'q', statements: [] }
  await driver.updateUser({ username, credentialType: 'password', password })
  await driver.deleteUser(username, [])
  await driver.deleteUser(username, [])
  await assert.rejects(driver.updateUser({ username, credentialType: 'password', password }))
})
`,
  usage: `bao secrets enable database
bao write database/config/one plugin_name=NAME connection_url=x allowed_roles=app
bao write database/roles/app db_name=one default_ttl=1h
bao read database/creds/app`,
}
