import { data, definePlugin, path, serve } from 'portcullis/plugin'
import { accounts, plugin } from '../example.ts'

/** The example, with windows into its process. */
const watched = definePlugin({
  ...plugin,
  paths: [
    ...(plugin.paths as Exclude<typeof plugin.paths, (...parts: never) => unknown>),
    path('process', { read: (request) => data({ pid: process.pid, accounts: [...accounts(request).keys()] }) }),
    path('crash', { read: () => process.exit(3) }),
    path('print', {
      read: () => {
        console.log('printed by a library')
        process.stdout.write(`${'x'.repeat(200_000)}\n`)
      },
    }),
  ],
})

await serve(watched, { multiplexing: process.env.TEST_NO_MULTIPLEXING === undefined })
