import { CommandError } from '../exit.ts'
import { type Server, urlPath } from '../server.ts'
import type { PluginType } from './place.ts'

/** A mount, as far as versions of its plugin go. */
export interface MountFacts {
  /** With trailing slash; that of an auth method begins with `auth/`. */
  readonly path: string
  /** Name of its plugin. */
  readonly plugin: string
  readonly type: Exclude<PluginType, 'database'>
  /** What it is set to; `''` for what the catalog chooses. */
  readonly version: string
  /** What runs; `''` where it is unversioned or not told. */
  readonly running: string
}

/** A plugin of the catalog. */
export interface CatalogFacts {
  readonly name: string
  readonly type: string
  readonly version: string
  readonly builtin: boolean
  readonly sha256: string
}

/** @throws {CommandError} there is no such mount. */
export async function readMount(server: Server, path: string): Promise<MountFacts> {
  const wanted = `${path.replace(/^\/|\/$/g, '')}/`
  const all = await readMounts(server)
  const mount = all.find((other) => other.path === wanted)
  if (mount !== undefined) return mount
  const known = all.map((other) => other.path).join(', ')
  throw new CommandError(`there is no mount ${JSON.stringify(wanted)}; there are ${known}`, 'ERR_MOUNT_UNKNOWN')
}

export async function readMounts(server: Server): Promise<readonly MountFacts[]> {
  const secrets = await server.call('GET', 'sys/mounts')
  const auths = await server.call('GET', 'sys/auth')
  return [...mountsIn(secrets.body?.data, ''), ...mountsIn(auths.body?.data, 'auth/')]
}

function mountsIn(data: unknown, root: string): readonly MountFacts[] {
  return Object.entries((data ?? {}) as Record<string, Record<string, unknown>>)
    .filter(([, mount]) => typeof mount?.type === 'string')
    .map(([path, mount]) => ({
      path: `${root}${path}`,
      plugin: String(mount.type),
      type: root === '' ? 'secret' : 'auth',
      version: textOf(mount.plugin_version),
      running: textOf(mount.running_plugin_version),
    }))
}

function textOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}

export async function readCatalog(server: Server): Promise<readonly CatalogFacts[]> {
  const { body } = await server.call('GET', 'sys/plugins/catalog')
  const detailed: unknown = body?.data?.detailed
  if (!Array.isArray(detailed)) throw new CommandError('the server gives no list of its catalog', 'ERR_SERVER_ANSWER')
  return detailed.map((entry) => ({
    name: textOf(entry?.name),
    type: textOf(entry?.type),
    version: textOf(entry?.version),
    builtin: entry?.builtin === true,
    sha256: textOf(entry?.sha256),
  }))
}

/** Sets the version of a mount, and starts its plugin anew; back to what was, when that fails. */
export async function changeVersion(server: Server, mount: MountFacts, version: string): Promise<MountFacts> {
  const tune = `sys/mounts/${urlPath(mount.path)}/tune`
  await server.call('POST', tune, { plugin_version: version })
  try {
    await server.call('POST', 'sys/plugins/reload/backend', { mounts: [mount.path] })
  } catch (error) {
    await server.call('POST', tune, { plugin_version: mount.version }).catch(() => undefined)
    await server.call('POST', 'sys/plugins/reload/backend', { mounts: [mount.path] }).catch(() => undefined)
    const why = (error as Error).message
    throw new CommandError(
      `${mount.path} did not come up with ${version}, and was set back: ${why}`,
      'ERR_UPGRADE_FAILED',
    )
  }
  return await readMount(server, mount.path)
}

/** The highest version in the catalog below what runs. @throws {CommandError} there is none. */
export async function versionBefore(server: Server, mount: MountFacts): Promise<string> {
  const now = mount.running || mount.version
  const versions = (await readCatalog(server))
    .filter(({ name, type, builtin }) => name === mount.plugin && type === mount.type && !builtin)
    .map(({ version }) => version)
    .filter((version) => version !== '' && compareVersions(version, now) < 0)
    .sort(compareVersions)
  const before = versions.at(-1)
  if (before !== undefined) return before
  const message = `the catalog has no version of ${mount.plugin} before ${now === '' ? 'the unversioned one' : now}: give one with --to`
  throw new CommandError(message, 'ERR_VERSION_UNKNOWN')
}

/** By number; a pre-release comes before its release. */
export function compareVersions(a: string, b: string): number {
  const parts = (text: string): readonly string[] => /^v?(\d+)\.(\d+)\.(\d+)(.*)$/.exec(text)?.slice(1) ?? []
  const [left, right] = [parts(a), parts(b)]
  for (const at of [0, 1, 2]) {
    const difference = Number(left[at] ?? -1) - Number(right[at] ?? -1)
    if (difference !== 0) return difference
  }
  const [x = '', y = ''] = [left[3], right[3]]
  if (x === y) return 0
  if (x.startsWith('-') !== y.startsWith('-')) return x.startsWith('-') ? -1 : 1
  return x.localeCompare(y, 'en', { numeric: true })
}
