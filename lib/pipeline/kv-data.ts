import { ServerError, WatchError } from '../errors/index.ts'
import { isJsonObject } from '../model/json.ts'
import type { GatewayRequest } from '../model/request.ts'
import type { ServerAnswer } from '../model/server-answer.ts'
import type { Mounts } from './mounts.ts'

/** A version of a secret, by the metadata that came with it. */
export interface KvVersion {
  readonly version: number
  readonly createdTime: string
  readonly isDeleted: boolean
}

/**
 * Refuses what is no data of a KV v2 secret, before it is sent: reading a path of another engine can mint a credential.
 *
 * Where the gateway's own token may not know the mount, the form of the path has to do; the answer tells the rest.
 *
 * @throws {WatchError} `ERR_PORTCULLIS_WATCH_UNSUPPORTED`; {ServerError} while the mount cannot be asked for.
 */
export async function checkKvData(mounts: Mounts, { namespace, path }: GatewayRequest): Promise<void> {
  if (!/^[^/].*\/data\/.*[^/]$/s.test(path)) throw unsupported(path, 'is no data path of KV v2, such as kv/data/flags')
  try {
    const mount = await mounts.of(namespace, path)
    if (mount.type !== 'kv') throw unsupported(path, `is served by a mount of type ${JSON.stringify(mount.type)}`)
    if (mount.kvVersion !== 2) throw unsupported(path, 'is on a KV v1 mount, which keeps no versions')
    if (!path.startsWith(`${mount.path}data/`)) throw unsupported(path, `is no data path; try ${mount.path}data/…`)
  } catch (error) {
    if (!(error instanceof ServerError && error.status === 403)) throw error
  }
}

/** The version in `answer`, deleted ones included. @throws {WatchError} `ERR_PORTCULLIS_WATCH_UNSUPPORTED` for any other answer. */
export function kvVersionOf({ data, leaseId, status }: ServerAnswer, path: string): KvVersion {
  const metadata = data?.metadata
  const version = isJsonObject(metadata) ? metadata.version : undefined
  if (!isJsonObject(metadata) || !Number.isSafeInteger(version) || leaseId !== '' || !Object.hasOwn(data ?? {}, 'data'))
    throw unsupported(path, 'was answered without the version of a KV v2 secret')
  const created = metadata.created_time
  return {
    version: Number(version),
    createdTime: typeof created === 'string' ? created : '',
    isDeleted: status === 404,
  }
}

function unsupported(path: string, why: string): WatchError {
  return new WatchError('ERR_PORTCULLIS_WATCH_UNSUPPORTED', `${path} cannot be watched: it ${why}`)
}
