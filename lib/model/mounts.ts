import type { Answer } from './answer.ts'
import type { CallOptions } from './gateway.ts'
import type { JsonObject } from './json.ts'

/** What KV v2 knows of a version; all but `version` absent on KV v1. */
export interface KvMetadata {
  readonly version: number
  readonly createdTime: string
  /** Empty while it is not deleted. */
  readonly deletionTime: string
  readonly isDestroyed: boolean
}

/** A secret read through {@link KvMount}: the same on both versions of kv. */
export interface KvSecret<T = JsonObject> {
  /** `undefined` for a deleted version. */
  readonly value: T | undefined
  /** `undefined` on KV v1. */
  readonly metadata: KvMetadata | undefined
  /** The whole answer, decision and age included. */
  readonly answer: Answer
}

/** A kv mount; v1 or v2 is found out by itself. */
export interface KvMount {
  version(): Promise<1 | 2>
  /** @param options.version - KV v2 only; 0 or absent for the newest. */
  read<T = JsonObject>(name: string, options?: CallOptions & { readonly version?: number }): Promise<KvSecret<T>>
  /** @param options.cas - KV v2 only: the version that must be the newest; 0: must not exist yet. */
  write(name: string, value: JsonObject, options?: CallOptions & { readonly cas?: number }): Promise<Answer>
  /** KV v2 only: merges into the newest version. */
  patch(name: string, value: JsonObject, options?: CallOptions & { readonly cas?: number }): Promise<Answer>
  list(name?: string, options?: CallOptions): Promise<readonly string[]>
  /** On KV v2 the newest version is marked deleted and can be undeleted; on v1 it is gone. */
  delete(name: string, options?: CallOptions): Promise<Answer>
  /** KV v2 only. */
  undelete(name: string, versions: readonly number[], options?: CallOptions): Promise<Answer>
  /** KV v2 only: gone for good. */
  destroy(name: string, versions: readonly number[], options?: CallOptions): Promise<Answer>
}

/** A transit mount: bytes in, bytes out; base64 is its business. */
export interface TransitMount {
  /** @returns ciphertext, `vault:v1:…`. */
  encrypt(key: string, plaintext: Uint8Array | string, options?: CallOptions): Promise<string>
  decrypt(key: string, ciphertext: string, options?: CallOptions): Promise<Uint8Array>
  rewrap(key: string, ciphertext: string, options?: CallOptions): Promise<string>
  sign(key: string, message: Uint8Array | string, options?: CallOptions): Promise<string>
  verify(key: string, message: Uint8Array | string, signature: string, options?: CallOptions): Promise<boolean>
  hmac(key: string, message: Uint8Array | string, options?: CallOptions): Promise<string>
}

/** A user of a database. */
export interface DatabaseCredentials {
  readonly username: string
  readonly password: string
  readonly answer: Answer
}

/** A database mount. */
export interface DatabaseMount {
  /** A user made for this gateway, on one lease however often it is read. */
  credentials(role: string, options?: CallOptions): Promise<DatabaseCredentials>
  /** A user that exists, whose password the server rotates. */
  staticCredentials(role: string, options?: CallOptions): Promise<DatabaseCredentials>
}

/** A certificate with its key. */
export interface IssuedCertificate {
  readonly certificate: string
  readonly privateKey: string
  readonly issuingCa: string
  readonly caChain: readonly string[]
  readonly serialNumber: string
  /** Milliseconds since 1970. */
  readonly expiresAtMs: number
  readonly answer: Answer
}

/** A pki mount. */
export interface PkiMount {
  issue(
    role: string,
    data: { readonly common_name: string } & JsonObject,
    options?: CallOptions,
  ): Promise<IssuedCertificate>
  /** Signs a request made elsewhere; `privateKey` is empty. */
  sign(role: string, data: { readonly csr: string } & JsonObject, options?: CallOptions): Promise<IssuedCertificate>
  /** The CA certificate, PEM. */
  ca(options?: CallOptions): Promise<string>
}
