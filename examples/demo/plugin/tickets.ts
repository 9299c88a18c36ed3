import { data, definePlugin, path, serve } from 'portcullis/plugin'

const tickets = definePlugin({
  name: 'tickets',
  version: 'v1.0.0',
  type: 'secret',
  help: 'Numbered tickets.',
  paths: [
    path('next/:queue', {
      summary: 'The next ticket of a queue, and the process that gave it.',
      read: async ({ params, storage }) => {
        const number = ((await storage.getJson<number>(params.queue)) ?? 0) + 1
        await storage.putJson(params.queue, number)
        return data({ number, process: process.pid })
      },
    }),
  ],
})

await serve(tickets)
