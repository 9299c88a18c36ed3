import type { PluginSources } from './template.ts'

/** A secrets engine that makes passwords, each with a lease. */
export const secretTemplate: PluginSources = {
  plugin: `import { randomBytes } from 'node:crypto'
import { data, definePlugin, errorResponse, listOf, path } from 'portcullis/plugin'

interface Role {
  readonly ttl: number
  readonly bytes: number
}

export const plugin = definePlugin({
  name: 'NAME',
  version: 'v0.1.0',
  type: 'secret',
  help: 'Makes passwords that live for a while.',
  paths: [
    path('roles/:name', {
      summary: 'A role: how passwords are made.',
      fields: {
        properties: {
          ttl: { type: 'integer', format: 'duration', default: 3600, description: 'How long a password lives.' },
          bytes: { type: 'integer', minimum: 16, maximum: 64, default: 32, description: 'Its entropy.' },
        },
      },
      write: ({ params, fields, storage }) => storage.putJson(\`roles/\${params.name}\`, fields),
      read: async ({ params, storage }) => {
        const role = await storage.getJson<Role>(\`roles/\${params.name}\`)
        return role && data({ ...role })
      },
      delete: ({ params, storage }) => storage.delete(\`roles/\${params.name}\`),
    }),
    path('roles', { summary: 'All roles.', list: async ({ storage }) => listOf(await storage.list('roles/')) }),
    path('creds/:name', {
      summary: 'A new password.',
      read: async ({ params, storage }) => {
        const role = await storage.getJson<Role>(\`roles/\${params.name}\`)
        if (role === undefined) return errorResponse('there is no such role')
        const password = randomBytes(role.bytes).toString('base64url')
        // Make it known to your service here. What revoking takes goes into \`internal\`, which callers never see.
        return { data: { password }, secret: { type: 'password', internal: { role: params.name }, ttlMs: role.ttl * 1000 } }
      },
    }),
  ],
  secrets: {
    password: {
      renew: true,
      // Take it from your service here. One that is gone already is no error.
      revoke: ({ internal, log }) => log.info('revoked', { role: String(internal.role) }),
    },
  },
})
`,
  test: `import assert from 'node:assert/strict'
import { test } from 'node:test'
import { testPlugin } from 'portcullis/plugin/testing'
import { plugin } from './plugin.ts'

test('a password lives as long as its role says, and is revoked then', async () => {
  const mounted = await testPlugin(plugin)
  await mounted.request('write', 'roles/app', { ttl: '10m' })
  const { data, lease } = await mounted.request('read', 'creds/app')
  assert.match(String(data?.password), /^[\\w-]{43}$/)
  assert.equal(lease?.ttlMs, 600_000)
  await mounted.advance(600_000)
  assert.deepEqual(mounted.leases(), [])
  assert.equal(mounted.logged.at(-1)?.message, 'revoked')
})

test('fields are checked', async () => {
  const mounted = await testPlugin(plugin)
  const { status, errors } = await mounted.request('write', 'roles/app', { bytes: 5 })
  assert.deepEqual([status, errors], [400, ['Field validation failed: "bytes" must be 16 or more']])
})

test('without a role there is no password', async () => {
  const mounted = await testPlugin(plugin)
  assert.equal((await mounted.request('read', 'creds/none')).status, 400)
})
`,
  usage: `bao secrets enable -path=NAME NAME
bao write NAME/roles/app ttl=10m
bao read NAME/creds/app`,
}
