import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'

/** What a service of the host's tells of itself, a line each. */
export interface Stage {
  readonly stage: 'served' | 'idle'
}

/**
 * A service in plain JavaScript over the built package, as users have it: a host with LMDB and two mounts of the
 * built-in kv, and a gateway before it with policy and audit to a file. Reads so many secrets, 16 at once, then rests.
 *
 * @returns the file. Types stripped at run time and the bench's own modules would count as memory of the host.
 */
export async function writeService(folder: string, reads: number, idleMs: number): Promise<string> {
  const path = join(folder, 'service.mjs')
  await writeFile(path, textOf(folder, reads, idleMs))
  return path
}

function textOf(folder: string, reads: number, idleMs: number): string {
  const dist = new URL('../../dist/lib/', import.meta.url).href
  return `
import { setTimeout } from 'node:timers/promises'
import { createGateway, file } from '${dist}index.js'
import { createPluginHost, createStorage, lmdb, rootKeyFile } from '${dist}plugin-host/index.js'

const folder = ${JSON.stringify(folder)}
const host = await createPluginHost({
  storage: await createStorage({
    driver: lmdb(folder + '/storage'),
    rootKey: rootKeyFile(folder + '/root.key', { create: true }),
  }),
  processes: { folder: folder + '/run' },
  mounts: { 'kv/': { type: 'kv', options: { version: '2' } }, 'old/': { type: 'kv' } },
})
const rule = { id: 'all', path: '+/*', operations: ['read', 'write'], effect: 'allow' }
const gateway = await createGateway({
  server: host,
  policies: [{ policy: 'service', rules: [rule] }],
  audit: { devices: [file(folder + '/audit.jsonl')] },
})
const data = { username: 'v-token-orders', password: 'correct-horse-battery-staple' }
for (let at = 0; at < 50; at += 1) {
  await gateway.write('kv/data/app/' + at, { data })
  await gateway.write('old/app/' + at, data)
}
let left = ${reads}
const work = async () => {
  for (let at = left--; at > 0; at = left--) await gateway.read(at % 2 === 0 ? 'kv/data/app/' + (at % 50) : 'old/app/' + (at % 50))
}
await Promise.all(Array.from({ length: 16 }, work))
console.log(JSON.stringify({ stage: 'served' }))
await setTimeout(${idleMs})
console.log(JSON.stringify({ stage: 'idle' }))
process.stdin.resume()
process.stdin.on('end', async () => {
  await gateway.close()
  await host.close()
})
`
}
