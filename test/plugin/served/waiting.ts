import { appendFileSync, existsSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { data, definePlugin, listOf, path, serve } from 'portcullis/plugin'

const folder = process.env.WAITING_FOLDER ?? ''

/** Writes down that a call came, and in which process, and does not answer before the file `go` is there. */
async function waiting(what: string): Promise<number> {
  appendFileSync(`${folder}/came`, `${what} ${process.pid}\n`)
  while (!existsSync(`${folder}/go`)) await sleep(5)
  return process.pid
}

await serve(
  definePlugin({
    name: 'waiting',
    type: 'secret',
    paths: [
      path('slow', {
        read: async () => data({ pid: await waiting('read') }),
        update: async () => data({ pid: await waiting('update') }),
        list: async () => listOf([`${await waiting('list')}`]),
      }),
    ],
  }),
)
