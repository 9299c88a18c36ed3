import type { PluginType } from './plugins.ts'

/** What the environment of a plugin process is made of. */
export interface EnvironmentParts {
  readonly type: PluginType
  /** Protocol versions that are offered. */
  readonly versions: readonly number[]
  /** PEM of the certificate that the host shows to this process alone. */
  readonly clientCertificate: string
  readonly socketFolder: string
  readonly homeFolder: string
  readonly temporaryFolder: string
  readonly hostVersion: string
  /** `NAME=value` of the catalog. */
  readonly extra: readonly string[]
}

const COOKIES: Readonly<Record<'backend' | 'database', readonly [string, string]>> = {
  backend: ['VAULT_BACKEND_PLUGIN', '6669da05-b1c8-4f49-97d9-c8e5bed98e20'],
  database: ['VAULT_DATABASE_PLUGIN', '926a0820-aea2-be28-51d6-83cdf00e8edb'],
}

/** Names that are the protocol's: an entry of the catalog that sets one is refused. */
const PROTOCOL_NAME =
  /^(?:PLUGIN_.*|(?:VAULT|BAO)_(?:VERSION|UNWRAP_TOKEN|BACKEND_PLUGIN|DATABASE_PLUGIN|PLUGIN_(?:AUTOMTLS_ENABLED|METADATA_MODE|MLOCK_ENABLED)))$/
/** What a loader or interpreter would run before the file whose hash was checked. Where imports are looked for may be set. */
const LOADER_NAME =
  /^(?:(?:LD|DYLD)_.*|GCONV_PATH|OPENSSL_(?:CONF|MODULES|ENGINES)|NODE_OPTIONS|BASH_ENV|ENV|PYTHONHOME|PERL5OPT|RUBYOPT|(?:JAVA_TOOL|JDK_JAVA|_JAVA)_OPTIONS|DOTNET_STARTUP_HOOKS)$/
const NAME = /^[A-Za-z_][A-Za-z0-9_]*$/
const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** Protocol versions of a kind of plugin: one instance a process and, for databases, multiplexed. */
export function versionsOf(type: PluginType): readonly number[] {
  return type === 'database' ? [5, 6] : [5]
}

/**
 * The whole environment of a plugin process. Nothing of the host's own gets in but `PATH` and the language.
 *
 * @throws {RangeError} naming the entry of `extra` that cannot be used; never its value.
 */
export function environmentOf(parts: EnvironmentParts, host: NodeJS.ProcessEnv = process.env): Record<string, string> {
  const [cookie, value] = COOKIES[parts.type === 'database' ? 'database' : 'backend']
  return {
    PATH: host.PATH ?? DEFAULT_PATH,
    LANG: host.LANG ?? 'C.UTF-8',
    HOME: parts.homeFolder,
    ...extraOf(parts.extra),
    TMPDIR: parts.temporaryFolder,
    [cookie]: value,
    ...twins('VERSION', parts.hostVersion),
    ...twins('PLUGIN_AUTOMTLS_ENABLED', 'true'),
    ...twins('PLUGIN_METADATA_MODE', 'false'),
    PLUGIN_PROTOCOL_VERSIONS: parts.versions.join(','),
    PLUGIN_CLIENT_CERT: parts.clientCertificate,
    PLUGIN_UNIX_SOCKET_DIR: parts.socketFolder,
    PLUGIN_MIN_PORT: '10000',
    PLUGIN_MAX_PORT: '25000',
  }
}

/** Vault's plugins know the one name, OpenBao's look for the other first. */
function twins(name: string, value: string): Record<string, string> {
  return { [`VAULT_${name}`]: value, [`BAO_${name}`]: value }
}

function extraOf(extra: readonly string[]): Record<string, string> {
  const variables: Record<string, string> = {}
  for (const [index, entry] of extra.entries()) {
    const at = entry.indexOf('=')
    const name = entry.slice(0, Math.max(at, 0))
    if (!NAME.test(name) || entry.includes('\0')) throw new RangeError(`env[${index}] must have the form NAME=value`)
    if (PROTOCOL_NAME.test(name)) throw new RangeError(`env[${index}] sets ${name}, which is the plugin protocol's`)
    if (LOADER_NAME.test(name)) throw new RangeError(`env[${index}] sets ${name}, which would load code unchecked`)
    variables[name] = entry.slice(at + 1)
  }
  return variables
}
