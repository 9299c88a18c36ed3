import { openSync, writeSync } from 'node:fs'
import { createPluginHost } from '../../../lib/plugin-host/host.ts'
import { lmdb } from '../../../lib/plugin-host/storage/lmdb.ts'
import { rootKeyFile } from '../../../lib/plugin-host/storage/root-key-file.ts'
import { createStorage } from '../../../lib/plugin-host/storage/storage.ts'
import { tokenOf } from '../router/world.ts'

// A host that writes without end, and notes what was acknowledged: `open`, then one name a line. Else the code of the refusal.
const [folder = '', notes = '', name = ''] = process.argv.slice(2)
const file = openSync(notes, 'a')
try {
  const rootKey = rootKeyFile(`${folder}/root.key`, { create: true })
  const host = await createPluginHost({
    storage: await createStorage({ driver: lmdb(`${folder}/storage`), rootKey }),
    processes: { folder: `${folder}/processes` },
    mounts: { kv: { type: 'kv' } },
  })
  const token = await tokenOf(host.auth())
  writeSync(file, 'open\n')
  const asked = { operation: 'write', namespace: '', query: {}, wrapTtlMs: 0, requestId: 'r', token } as const
  await Promise.all(
    Array.from({ length: 8 }, async (_, lane) => {
      for (let turn = 0; ; turn += 1) {
        const path = `kv/${name}-${lane}-${turn}`
        await host.send({ ...asked, path, body: JSON.stringify({ path }), repeatable: false }, { timeoutMs: 30_000 })
        writeSync(file, `${path}\n`)
      }
    }),
  )
} catch (error) {
  writeSync(file, `${(error as { readonly code?: string }).code ?? String(error)}\n`)
  process.exit(3)
}
