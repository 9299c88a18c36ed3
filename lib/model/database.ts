import type { JsonObject } from './json.ts'

/** A dbplugin v5 driver: makes, changes and drops users; roles and leases are the host's. */
export interface DatabaseDriver {
  /** @returns what is to be stored as its configuration; may differ from `config`. */
  initialize(config: JsonObject, verifyConnection: boolean): Promise<JsonObject>
  /** @returns the name it gave the user. */
  newUser(request: NewUser): Promise<string>
  updateUser(request: UpdateUser): Promise<void>
  /** A user who is gone already is no error. */
  deleteUser(username: string, statements: readonly string[]): Promise<void>
  /** What the driver calls its database, such as `postgresql`. */
  type(): Promise<string>
  /** Idempotent. */
  close(): Promise<void>
}

export interface NewUser {
  readonly displayName: string
  readonly roleName: string
  readonly credentialType: CredentialType
  /** For `password`; else empty. */
  readonly password: string
  /** PEM (PKIX), for `rsa_private_key`; else empty. */
  readonly publicKey: string
  /** Distinguished name, for `client_certificate`; else empty. */
  readonly subject: string
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
  readonly statements: readonly string[]
  readonly rollbackStatements: readonly string[]
}

export interface UpdateUser {
  readonly username: string
  readonly credentialType: CredentialType
  readonly password?: { readonly value: string; readonly statements: readonly string[] }
  readonly publicKey?: { readonly value: string; readonly statements: readonly string[] }
  readonly expiration?: { readonly atMs: number; readonly statements: readonly string[] }
}

export type CredentialType = 'password' | 'rsa_private_key' | 'client_certificate'
