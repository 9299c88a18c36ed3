import { createPluginHost, type PluginHost } from '../../../lib/plugin-host/host.ts'
import { lmdb } from '../../../lib/plugin-host/storage/lmdb.ts'
import { rootKeyFile } from '../../../lib/plugin-host/storage/root-key-file.ts'
import { createStorage } from '../../../lib/plugin-host/storage/storage.ts'

/** Where a host of keys keeps what it has, and what it runs. */
export interface KeysHostPlace {
  readonly folder: string
  /** Script that serves the keys, and its hash. */
  readonly command: string
  readonly sha256: string
  /** Where the keys are made. */
  readonly api: string
}

/** A host with one mount, `keys/`, on LMDB. */
export async function keysHost({ folder, command, sha256, api }: KeysHostPlace): Promise<PluginHost> {
  const rootKey = rootKeyFile(`${folder}/root.key`, { create: true })
  return createPluginHost({
    storage: await createStorage({ driver: lmdb(`${folder}/storage`), rootKey }),
    processes: { folder: `${folder}/processes` },
    plugins: [{ name: 'api-keys', type: 'secret', command, sha256, env: [`KEYS_API=${api}`] }],
    mounts: { keys: { type: 'api-keys' } },
  })
}
