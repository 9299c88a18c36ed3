import type { AppRoleOptions, CallerAttributes, CertOptions, JwtOptions, KubernetesOptions } from 'portcullis'

/** How the sidecar gets its token: one of them. Secrets stand in files alone. */
export interface AuthConfig {
  readonly token?: { readonly tokenFile: string }
  readonly appRole?: Pick<
    AppRoleOptions,
    'roleId' | 'roleIdFile' | 'secretIdFile' | 'wrappedSecretIdFile' | 'creationPath' | 'mount'
  >
  readonly kubernetes?: KubernetesOptions
  readonly jwt?: Pick<JwtOptions, 'role' | 'jwtFile' | 'mount'>
  readonly userpass?: { readonly username: string; readonly passwordFile: string; readonly mount?: string }
  readonly ldap?: { readonly username: string; readonly passwordFile: string; readonly mount?: string }
  readonly cert?: CertOptions
}

/** One audit device: a file, or standard output. */
export interface DeviceConfig {
  readonly file?: string
  readonly stdout?: true
  readonly required?: boolean
}

/** A client certificate, and the caller who shows it. By one of: a SAN, or the SHA-256 fingerprint. */
export interface CertificateConfig {
  readonly uri?: string
  readonly dns?: string
  readonly fingerprint?: string
  readonly caller: CallerAttributes
}

/** Where requests come in, and who is there. */
export interface ListenerConfig {
  /** `host:port`; port 0 for one that is free. */
  readonly tcp?: string
  /** Path of a unix socket. */
  readonly unix?: string
  /** Octal, of the unix socket. Default `0600`. */
  readonly mode?: string
  readonly tls?: { readonly certFile: string; readonly keyFile: string; readonly clientCaFile?: string }
  /** Whoever reaches the listener is this caller. Default: nobody is. */
  readonly caller?: CallerAttributes
  readonly certificates?: readonly CertificateConfig[]
  /** Clients send tokens of the server, which are sent on. Default false. */
  readonly passThrough?: boolean
  /** Only requests with `X-Vault-Request: true` are answered. Default true. */
  readonly requireRequestHeader?: boolean
  /** DANGEROUS: secrets in plain text over a network. Default false: TLS is asked for beyond this machine. */
  readonly dangerouslyPlaintext?: boolean
}

/** Bounds of what clients may cost. */
export interface LimitsConfig {
  /** Milliseconds for the head of a request. Default 10,000. */
  readonly headersTimeoutMs?: number
  /** Milliseconds for a whole request to come in. Default 60,000. */
  readonly requestTimeoutMs?: number
  /** Milliseconds after which a connection on which nothing moves is ended. Default 120,000. */
  readonly idleTimeoutMs?: number
  /** Bytes of the head of a request. Default 16 KiB. */
  readonly maxHeaderBytes?: number
  /** Bytes of one body. Default 32 MiB. */
  readonly maxBodyBytes?: number
  /** Bytes of all bodies that are held at once. Default 128 MiB. */
  readonly maxHeldBodyBytes?: number
  /** Connections of a listener. Default 10,000. */
  readonly maxConnections?: number
  /** Milliseconds for requests under way when the sidecar is told to end. Default 10,000. */
  readonly drainMs?: number
}

/** The configuration of the sidecar: `schemas/config.schema.json`. */
export interface SidecarConfig {
  readonly server: {
    readonly address: string
    readonly namespace?: string
    readonly namespaces?: readonly string[]
    readonly tls?: {
      readonly caFile?: string
      readonly certFile?: string
      readonly keyFile?: string
      readonly serverName?: string
    }
    readonly timeoutMs?: number
    readonly maxRetries?: number
    readonly connections?: number
  }
  readonly auth: AuthConfig
  readonly policies: { readonly folder: string; readonly watch?: boolean }
  readonly audit: { readonly devices: readonly DeviceConfig[]; readonly keyFile?: string }
  readonly listeners: readonly ListenerConfig[]
  readonly tokens?: { readonly file: string }
  readonly limits?: LimitsConfig
}
