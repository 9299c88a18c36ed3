import { openSync, writeSync } from 'node:fs'
import type { Operation } from '../../../lib/model/operation.ts'
import type { ServerAnswer } from '../../../lib/model/server-answer.ts'
import { tokenOf } from '../router/world.ts'
import { keysHost } from './keys-host.ts'

// Mints, renews and revokes until it is killed, and notes what it was told; a pipe could be full.
const [place = '', notes = '', workers = ''] = process.argv.slice(2)
const file = openSync(notes, 'a')
const host = await keysHost(JSON.parse(place))
const token = await tokenOf(host.auth())

function ask(operation: Operation, path: string, data?: object): Promise<ServerAnswer> {
  const body = data === undefined ? undefined : JSON.stringify(data)
  const more = { namespace: '', query: {}, wrapTtlMs: 0, requestId: 'r', repeatable: false }
  return host.send({ operation, path, body, token, ...more }, { timeoutMs: 10_000 })
}

await Promise.all(
  Array.from({ length: Number(workers) }, async () => {
    for (let turn = 0; ; turn += 1) {
      const { leaseId: lease_id, data } = await ask('read', 'keys/keys')
      writeSync(file, `minted ${data?.id} ${lease_id}\n`)
      if (turn % 3 === 1) await ask('write', 'sys/leases/renew', { lease_id, increment: '1h' })
      if (turn % 3 === 2) {
        writeSync(file, `ending ${data?.id} ${lease_id}\n`)
        await ask('write', 'sys/leases/revoke', { lease_id, sync: true })
      }
    }
  }),
)
