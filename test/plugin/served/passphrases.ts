import { data, definePlugin, listOf, PluginRefusal, path, serve } from 'portcullis/plugin'

interface User {
  readonly passphrase: string
  readonly policies: readonly string[]
}

/** An auth method: users with a passphrase. */
const plugin = definePlugin({
  name: 'passphrases',
  type: 'auth',
  paths: [
    path('login/:user', {
      unauthenticated: true,
      fields: { properties: { passphrase: { type: 'string' } }, required: ['passphrase'] },
      write: async ({ params, fields, storage, caller }) => {
        const user = await storage.getJson<User>(`users/${params.user}`)
        if (user?.passphrase !== fields.passphrase) throw new PluginRefusal('', 'permission-denied')
        return {
          auth: {
            alias: { name: params.user },
            displayName: params.user,
            policies: user.policies,
            metadata: { from: caller.remoteAddress },
            internal: { user: params.user },
            ttlMs: 600_000,
          },
        }
      },
    }),
    path('users/:user', {
      fields: {
        properties: { passphrase: { type: 'string' }, policies: { type: 'array', format: 'comma-list', default: [] } },
        required: ['passphrase'],
      },
      write: ({ params, fields, storage }) => storage.putJson(`users/${params.user}`, fields),
      read: async ({ params, storage }) => {
        const user = await storage.getJson<User>(`users/${params.user}`)
        return user && data({ policies: user.policies })
      },
      delete: ({ params, storage }) => storage.delete(`users/${params.user}`),
    }),
    path('users', { list: async ({ storage }) => listOf(await storage.list('users/')) }),
  ],
  auth: {
    renew: async ({ internal, storage }) => {
      const user = await storage.getJson<User>(`users/${internal.user}`)
      if (user === undefined) throw new PluginRefusal('the user is gone')
    },
  },
})

await serve(plugin)
