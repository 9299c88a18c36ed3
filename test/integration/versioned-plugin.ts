import { data, definePlugin, path, serve } from 'portcullis/plugin'

/** A plugin of which a test runs several versions: keeps items, and says which version it is. */
await serve(
  definePlugin({
    name: 'items',
    version: process.env.ITEMS_VERSION ?? '',
    type: 'secret',
    paths: [
      path('version', { read: () => data({ version: process.env.ITEMS_VERSION ?? '' }) }),
      path('item/:name', {
        fields: { properties: { name: { type: 'string', format: 'name' }, value: { type: 'string' } } },
        update: async ({ params, fields, storage }) => storage.putJson(`item/${params.name}`, fields.value ?? ''),
        read: async ({ params, storage }) => data({ value: (await storage.getJson(`item/${params.name}`)) ?? null }),
      }),
    ],
  }),
)
