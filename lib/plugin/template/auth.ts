import type { PluginSources } from './template.ts'

/** An auth method: users with a password. */
export const authTemplate: PluginSources = {
  plugin: `import { randomBytes, scryptSync, timingSafeEqual } from 'node:crypto'
import { data, definePlugin, listOf, path, PluginRefusal } from 'portcullis/plugin'

interface User {
  readonly salt: string
  readonly hash: string
  readonly policies: readonly string[]
}

function hashOf(password: string, salt: string): Buffer {
  return scryptSync(password, Buffer.from(salt, 'base64'), 32)
}

export const plugin = definePlugin({
  name: 'NAME',
  version: 'v0.1.0',
  type: 'auth',
  help: 'Lets users log in with a password.',
  paths: [
    path('login/:user', {
      summary: 'Log in.',
      unauthenticated: true,
      fields: { properties: { password: { type: 'string', maxLength: 1024 } }, required: ['password'] },
      write: async ({ params, fields, storage }) => {
        const user = await storage.getJson<User>(\`users/\${params.user}\`)
        // The same work for a user who is not there: the time tells nothing.
        const given = hashOf(fields.password, user?.salt ?? '')
        if (user === undefined || !timingSafeEqual(given, Buffer.from(user.hash, 'base64')))
          throw new PluginRefusal('', 'permission-denied')
        return {
          auth: {
            alias: { name: params.user },
            displayName: params.user,
            policies: user.policies,
            internal: { user: params.user },
            ttlMs: 3_600_000,
          },
        }
      },
    }),
    path('users/:user', {
      summary: 'A user.',
      fields: {
        properties: {
          password: { type: 'string', minLength: 12, maxLength: 1024, description: 'To log in with.' },
          policies: { type: 'array', format: 'comma-list', items: { type: 'string' }, default: [] },
        },
        required: ['password'],
      },
      write: ({ params, fields, storage }) => {
        const salt = randomBytes(16).toString('base64')
        const hash = hashOf(fields.password, salt).toString('base64')
        return storage.putJson(\`users/\${params.user}\`, { salt, hash, policies: fields.policies })
      },
      read: async ({ params, storage }) => {
        const user = await storage.getJson<User>(\`users/\${params.user}\`)
        return user && data({ policies: user.policies })
      },
      delete: ({ params, storage }) => storage.delete(\`users/\${params.user}\`),
    }),
    path('users', { summary: 'All users.', list: async ({ storage }) => listOf(await storage.list('users/')) }),
  ],
  auth: {
    renew: async ({ internal, storage }) => {
      if ((await storage.get(\`users/\${internal.user}\`)) === undefined) throw new PluginRefusal('the user is gone')
    },
  },
})
`,
  test: `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testPlugin } from 'portcullis/plugin/testing'
import { plugin } from './plugin.ts'

test('a user logs in with the right password, and with no other', async () => {
  const mounted = await testPlugin(plugin)
  await mounted.request('write', 'users/ann', { password: 'correct horse', policies: 'one,two' })
  const { auth } = await mounted.request('write', 'login/ann', { password: 'correct horse' })
  assert.deepEqual([auth?.alias?.name, auth?.policies], ['ann', ['one', 'two']])
  assert.equal((await mounted.request('write', 'login/ann', { password: 'wrong horse' })).status, 403)
  assert.equal((await mounted.request('write', 'login/bob', { password: 'correct horse' })).status, 403)
})

test('a password is not stored', async () => {
  const mounted = await testPlugin(plugin)
  await mounted.request('write', 'users/ann', { password: 'correct horse' })
  assert.doesNotMatch(Buffer.from(mounted.storage.get('users/ann') ?? []).toString(), /correct horse/)
})

test('the token of a user who is gone is not renewed', async () => {
  const mounted = await testPlugin(plugin)
  await mounted.request('write', 'users/ann', { password: 'correct horse' })
  const { auth } = await mounted.request('write', 'login/ann', { password: 'correct horse' })
  assert.ok(auth !== undefined)
  assert.equal((await mounted.renewLogin(auth)).status, 200)
  await mounted.request('delete', 'users/ann')
  assert.equal((await mounted.renewLogin(auth)).status, 400)
})
`,
  usage: `bao auth enable -path=NAME NAME
bao write auth/NAME/users/ann password='correct horse' policies=default
bao write auth/NAME/login/ann password='correct horse'`,
}
