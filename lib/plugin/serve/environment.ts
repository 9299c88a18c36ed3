/** What a host says to a plugin that it starts. */
export interface LaunchEnvironment {
  readonly isBackend: boolean
  readonly isDatabase: boolean
  /** Offered by the host, those that are numbers. */
  readonly versions: readonly number[]
  /** PEM; `undefined` for plain text. */
  readonly hostCertificate: string | undefined
  /** The plugin is only asked what it is. */
  readonly isMetadataMode: boolean
  /** Folder for the socket; `undefined` for the system's. */
  readonly socketFolder: string | undefined
  /** Group that the socket is for: a name or a number. */
  readonly socketGroup: string | undefined
  /** Does the host know the last field of the handshake? */
  readonly knowsMultiplexedBroker: boolean
  readonly ports: { readonly min: number; readonly max: number }
}

const BACKEND_COOKIE = '6669da05-b1c8-4f49-97d9-c8e5bed98e20'
const DATABASE_COOKIE = '926a0820-aea2-be28-51d6-83cdf00e8edb'

/** Reads the variables of both products. */
export function readLaunchEnvironment(env: Readonly<Record<string, string | undefined>>): LaunchEnvironment {
  const isTrue = (name: string): boolean => (env[`BAO_${name}`] ?? env[`VAULT_${name}`]) === 'true'
  const filled = (name: string): string | undefined => (env[name] === '' ? undefined : env[name])
  return {
    isBackend: env.VAULT_BACKEND_PLUGIN === BACKEND_COOKIE,
    isDatabase: env.VAULT_DATABASE_PLUGIN === DATABASE_COOKIE,
    versions: (env.PLUGIN_PROTOCOL_VERSIONS ?? '')
      .split(',')
      .map((version) => Number(version.trim() || Number.NaN))
      .filter((version) => Number.isInteger(version)),
    hostCertificate: filled('PLUGIN_CLIENT_CERT'),
    isMetadataMode: isTrue('PLUGIN_METADATA_MODE'),
    socketFolder: filled('PLUGIN_UNIX_SOCKET_DIR'),
    socketGroup: filled('PLUGIN_UNIX_SOCKET_GROUP'),
    knowsMultiplexedBroker: env.PLUGIN_MULTIPLEX_GRPC !== undefined,
    ports: { min: portOf(env.PLUGIN_MIN_PORT, 10_000), max: portOf(env.PLUGIN_MAX_PORT, 25_000) },
  }
}

function portOf(text: string | undefined, standard: number): number {
  const port = Number(text || Number.NaN)
  return Number.isInteger(port) && port > 0 && port < 65_536 ? port : standard
}

/** What a process serves: {@link chooseVersion}. */
export interface Served {
  readonly backend: boolean
  readonly database: boolean
  readonly isMultiplexing: boolean
}

/**
 * The protocol version that both ends speak; `undefined` where there is none, and the process has to end.
 *
 * Versions 3 and 4 are never answered: a host that tries them after a failed start would take the answer and then hang.
 */
export function chooseVersion(launch: LaunchEnvironment, served: Served): number | undefined {
  if (served.backend && launch.isBackend) return launch.versions.includes(5) ? 5 : undefined
  const ours = served.isMultiplexing ? [6, 5] : [5]
  return ours.find((version) => launch.versions.includes(version))
}
