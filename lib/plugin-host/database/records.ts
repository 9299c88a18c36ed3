import { Buffer } from 'node:buffer'
import { StorageError } from '../../errors/index.ts'
import type { CredentialType } from '../../model/database.ts'
import type { JsonObject } from '../../model/json.ts'
import { parseObject } from '../../model/parse-json.ts'
import type { Store, StoreChange } from '../../ports/store.ts'

/** A connection, as stored: a driver and what it is initialised with. */
export interface ConnectionRecord {
  readonly pluginName: string
  /** `''` for the catalog's choice. */
  readonly pluginVersion: string
  /** What the driver gave back at its initialisation; holds the root password. */
  readonly details: JsonObject
  /** Names; may begin or end in `*`. */
  readonly allowedRoles: readonly string[]
  readonly rootRotationStatements: readonly string[]
  /** `''` for the default. */
  readonly passwordPolicy: string
}

/** What a role asks of its credentials, beyond their type: policy, or size and format of a key. */
export type CredentialConfig = Readonly<Record<string, string | number>>

export interface RoleRecord {
  readonly dbName: string
  readonly creationStatements: readonly string[]
  readonly revocationStatements: readonly string[]
  readonly rollbackStatements: readonly string[]
  readonly renewStatements: readonly string[]
  /** 0: the mount's. */
  readonly defaultTtlMs: number
  /** 0: the mount's. */
  readonly maxTtlMs: number
  readonly credentialType: CredentialType
  readonly credentialConfig: CredentialConfig
}

export interface StaticRoleRecord {
  readonly dbName: string
  readonly username: string
  readonly rotationStatements: readonly string[]
  readonly rotationPeriodMs: number
  /** Milliseconds since 1970. */
  readonly lastRotationMs: number
  readonly credentialType: CredentialType
  readonly credentialConfig: CredentialConfig
  readonly credential: Credential
}

/** What a user logs in with. Fields of other types are empty. */
export interface Credential {
  readonly type: CredentialType
  readonly password: string
  /** PEM, PKCS #8. */
  readonly privateKey: string
  /** PEM, PKIX. */
  readonly publicKey: string
}

/** A credential on its way into a database: stored before the database hears of it, so that no crash can lose it. */
export interface PendingRotation {
  readonly role: StaticRoleRecord
  /** The role is not there yet. */
  readonly isCreation: boolean
}

/** Passwords that may be the root user's by now, oldest first. */
export interface PendingRoot {
  readonly candidates: readonly { readonly password: string; readonly atMs: number }[]
}

/** Names of a kind of record, below its prefix. */
export interface Records<T> {
  get(name: string): Promise<T | undefined>
  /** As one change of several. */
  change(name: string, record: T | undefined): StoreChange
  put(name: string, record: T | undefined): Promise<void>
  list(after?: string, limit?: number): Promise<readonly string[]>
}

export interface AllRecords {
  readonly connections: Records<ConnectionRecord>
  readonly roles: Records<RoleRecord>
  readonly staticRoles: Records<StaticRoleRecord>
  readonly pendingRoots: Records<PendingRoot>
  readonly pendingRotations: Records<PendingRotation>
}

export const CONNECTION_PREFIX = 'config/'
export const STATIC_ROLE_PREFIX = 'static-role/'

export function recordsIn(storage: Store): AllRecords {
  return {
    connections: recordsBelow(storage, CONNECTION_PREFIX),
    roles: recordsBelow(storage, 'role/'),
    staticRoles: recordsBelow(storage, STATIC_ROLE_PREFIX),
    pendingRoots: recordsBelow(storage, 'wal/root/'),
    pendingRotations: recordsBelow(storage, 'wal/static-role/'),
  }
}

function recordsBelow<T extends object>(storage: Store, prefix: string): Records<T> {
  const change = (name: string, record: T | undefined): StoreChange => ({
    key: prefix + name,
    value: record === undefined ? undefined : Buffer.from(JSON.stringify(record)),
  })
  return {
    async get(name): Promise<T | undefined> {
      const bytes = await storage.get(prefix + name)
      if (bytes === undefined) return undefined
      const record = parseObject(bytes)
      // Written by us and authenticated by the barrier: what is an object is a record.
      if (record !== undefined) return record as unknown as T
      throw new StorageError('ERR_PORTCULLIS_STORAGE_CORRUPT', `${JSON.stringify(prefix + name)} is not valid JSON`)
    },
    change,
    put: (name, record) => storage.write([change(name, record)]),
    list: (after, limit) =>
      storage.list(prefix, {
        ...(after === undefined ? {} : { after }),
        ...(limit === undefined ? {} : { limit }),
      }),
  }
}
