import {
  type BackendPlugin,
  data,
  definePlugin,
  errorResponse,
  listOf,
  type PerMount,
  PluginRefusal,
  path,
  perMount,
} from 'portcullis/plugin'

interface Role {
  readonly ttl: number
  readonly groups: readonly string[]
}

/** Accounts of a service that is only a map here. */
export const accounts: PerMount<Map<string, string>> = perMount(() => new Map<string, string>())

/** A secrets engine that uses most of the SDK. */
export const plugin: BackendPlugin = definePlugin({
  name: 'accounts',
  version: 'v1.2.3',
  type: 'secret',
  help: 'Makes accounts of a service.',
  paths: [
    path('roles/:name', {
      summary: 'A role: how accounts are made.',
      description: 'Accounts are made with the groups of their role.',
      fields: {
        properties: {
          name: { type: 'string', format: 'name', description: 'Name of the role.' },
          ttl: {
            type: 'integer',
            format: 'duration',
            default: 3600,
            maximum: 86_400,
            description: 'How long it lives.',
          },
          groups: { type: 'array', format: 'comma-list', items: { type: 'string', minLength: 1 }, default: [] },
          level: { type: 'string', enum: ['low', 'high'] },
        },
      },
      exists: async ({ params, storage }) => (await storage.get(`roles/${params.name}`)) !== undefined,
      create: async ({ params, fields, storage }) => {
        await storage.putJson(`roles/${params.name}`, { ttl: fields.ttl, groups: fields.groups })
        return data({ created: true })
      },
      update: async ({ params, fields, storage }) => {
        await storage.putJson(`roles/${params.name}`, { ttl: fields.ttl, groups: fields.groups })
      },
      read: async ({ params, storage }) => {
        const role = await storage.getJson<Role>(`roles/${params.name}`)
        return role === undefined ? undefined : data({ ttl: role.ttl, groups: role.groups })
      },
      delete: ({ params, storage }) => storage.delete(`roles/${params.name}`),
    }),
    path('roles', { list: async ({ storage }) => listOf(await storage.list('roles/')) }),
    path('creds/:name', {
      read: async (request) => {
        const role = await request.storage.getJson<Role>(`roles/${request.params.name}`)
        if (role === undefined) return errorResponse('no such role')
        const username = `${request.params.name}-${accounts(request).size}`
        accounts(request).set(username, role.groups.join())
        const secret = { type: 'account', internal: { username }, ttlMs: role.ttl * 1000 }
        return { data: { username }, secret }
      },
    }),
    path('fail/:how', {
      read: ({ params }) => {
        if (params.how === 'refuse') throw new PluginRefusal('not today')
        if (params.how === 'denied') throw new PluginRefusal('', 'permission-denied')
        if (params.how === 'teapot') throw new PluginRefusal('short and stout', { status: 418 })
        throw new Error('the password is hunter2')
      },
    }),
    path('open/:path*', { unauthenticated: true, read: ({ params, path }) => data({ rest: params.path, path }) }),
    path('operators/:name', { root: true, read: () => data({}) }),
  ],
  secrets: {
    account: {
      renew: () => ({ warnings: ['renewed'] }),
      revoke: (lease) => {
        if (lease.internal.username === 'stuck-0') throw new Error('the service is down')
        accounts(lease).delete(String(lease.internal.username))
      },
    },
  },
  periodic: ({ log }) => log.info('tidied', { rounds: 1 }),
})
