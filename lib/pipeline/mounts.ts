import { BoundedMap } from '../model/bounded-map.ts'
import type { JsonObject } from '../model/json.ts'
import type { OwnExchange } from '../ports/auth-method.ts'
import type { Clock } from '../ports/clock.ts'
import type { Session } from '../session/session.ts'

/** A mount, as the server describes it. */
export interface Mount {
  /** With a slash at its end. */
  readonly path: string
  readonly type: string
  /** The kv version; 1 where the mount is no kv. */
  readonly kvVersion: 1 | 2
}

/** How long an answer about a mount is believed: it can be tuned from kv v1 to v2, or replaced. */
export const MOUNT_KEPT_MS = 60_000

/** What is known of the mounts behind paths. Asked of the server once a path prefix, and kept for {@link MOUNT_KEPT_MS}. */
export interface Mounts {
  /** The mount that serves `path`. @throws {ServerError} when the token may not know. */
  of(namespace: string, path: string): Promise<Mount>
  /** The same, only from what is known already. */
  known(namespace: string, path: string): Mount | undefined
  isKnownKv(namespace: string, path: string): boolean
}

export interface MountsDeps {
  readonly exchange: OwnExchange
  readonly session: Session
  readonly clock: Clock
}

export function createMounts({ exchange, session, clock }: MountsDeps): Mounts {
  const known = new BoundedMap<{ readonly mount: Mount; readonly untilMs: number }>(1_000)
  const asking = new Map<string, Promise<Mount>>()
  const find = (namespace: string, path: string): Mount | undefined => {
    for (let end = path.indexOf('/'); end !== -1; end = path.indexOf('/', end + 1)) {
      const found = known.get(`${namespace}|${path.slice(0, end + 1)}`)
      if (found !== undefined && clock.now() < found.untilMs) return found.mount
    }
    return undefined
  }
  const ask = async (namespace: string, path: string): Promise<Mount> => {
    const { token } = await session.current()
    const untilMs = clock.now() + MOUNT_KEPT_MS
    const answer = await exchange({
      operation: 'read',
      path: `sys/internal/ui/mounts/${path.replace(/\/$/, '')}`,
      namespace,
      token,
    })
    const mount = described(answer.data ?? {}, path)
    known.set(`${namespace}|${mount.path}`, { mount, untilMs })
    return mount
  }
  return {
    async of(namespace, path): Promise<Mount> {
      const mount = find(namespace, path)
      if (mount !== undefined) return mount
      const key = `${namespace}|${path}`
      const flight = asking.get(key) ?? ask(namespace, path).finally(() => asking.delete(key))
      asking.set(key, flight)
      return flight
    },
    known: find,
    isKnownKv: (namespace, path) => find(namespace, path)?.type === 'kv',
  }
}

function described(data: JsonObject, asked: string): Mount {
  const options = data.options as JsonObject | null | undefined
  const type = typeof data.type === 'string' ? data.type : ''
  const path = typeof data.path === 'string' ? data.path : `${asked.split('/')[0]}/`
  return { path, type: type === 'generic' ? 'kv' : type, kvVersion: options?.version === '2' ? 2 : 1 }
}
