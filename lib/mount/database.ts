import type { CallOptions } from '../model/gateway.ts'
import type { DatabaseCredentials, DatabaseMount } from '../model/mounts.ts'
import type { Calls } from './kv.ts'
import { textField } from './text.ts'

/** A view of the database mount at `mount`. */
export function createDatabase(calls: Calls, mount: string): DatabaseMount {
  const ask = async (path: string, options?: CallOptions): Promise<DatabaseCredentials> => {
    const answer = await calls.read(path, options)
    const { data } = answer
    return {
      username: textField(data, 'username', 'read', path),
      password: textField(data, 'password', 'read', path),
      answer,
    }
  }
  return {
    credentials: (role, options) => ask(`${mount}/creds/${role}`, options),
    staticCredentials: (role, options) => ask(`${mount}/static-creds/${role}`, options),
  }
}
