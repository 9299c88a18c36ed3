import { definePlugin, path, serve } from 'portcullis/plugin'

const api = process.env.KEYS_API ?? ''

async function call(method: string, id: string): Promise<string> {
  const response = await fetch(`${api}/${id}`, { method })
  if (!response.ok) throw new Error(`the service answered ${response.status}`)
  return response.text()
}

/** Keys of a service that is reached over HTTP, and that alone knows which are alive. */
const plugin = definePlugin({
  name: 'api-keys',
  type: 'secret',
  paths: [
    path('keys', {
      read: async () => {
        const id = await call('POST', '')
        return { data: { id }, secret: { type: 'key', internal: { id }, ttlMs: 3_600_000 } }
      },
    }),
  ],
  secrets: {
    key: {
      renew: () => ({}),
      revoke: async ({ internal }) => {
        await call('DELETE', String(internal.id))
      },
    },
  },
})

await serve(plugin)
