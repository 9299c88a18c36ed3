import { mkdir } from 'node:fs/promises'
import { isAbsolute, join, relative, resolve, sep } from 'node:path'
import { checkNames, stringOption, typed } from '../../options/check.ts'
import { openPlugins } from '../process/open-plugins.ts'
import type { Inspection, Isolation, PluginType } from '../process/plugins.ts'
import { canonicalVersion } from '../router/version.ts'
import { installError, lockError, untrustedError } from './failure.ts'
import { fetchSource } from './from/fetch-source.ts'
import type { FetchContext, Fetched } from './from/fetched.ts'
import { keyOf, type LockedPlugin, PLUGIN_NAME } from './lock.ts'
import { readLock, writeLock } from './lock-file.ts'
import { look } from './look.ts'
import { latestOf, type Outdated } from './outdated.ts'
import { quarantineIn } from './quarantine.ts'
import { type PluginSource, parseSource, sourceText } from './source.ts'
import { type FileState, PluginStore } from './store.ts'

/** Where plugins are installed. */
export interface InstallerOptions {
  /** The lock: `plugins.lock.json`. Paths of files in it are relative to its folder. */
  readonly lockFile: string
  /** Where the files of plugins go. */
  readonly folder: string
  /** Environment for npm and go. Default: that of this process. */
  readonly env?: NodeJS.ProcessEnv
  /** Told what is being done. Must not throw. Default: nobody is told. */
  readonly onProgress?: (message: string) => void
}

/** What one install is told beside its source. */
export interface InstallOptions {
  /**
   * Is the plugin to be trusted, after it was looked at? Without a `true` nothing is kept.
   *
   * To look at a plugin is to run it, as this user: in quarantine, without storage and with a scrubbed environment.
   */
  readonly trust: (plugin: Looked) => boolean | Promise<boolean>
  /** Name in the catalog. Default: that of the package or file. */
  readonly name?: string
  /** Default: what the package says, else what the plugin turns out to be. */
  readonly type?: PluginType
  /** Default: that of the package, else what the plugin reports, else none. */
  readonly version?: string
  /** How it is kept apart while it is looked at. Default `crash`. */
  readonly isolation?: Isolation
  readonly signal?: AbortSignal
}

/** A plugin before it is trusted: what would be pinned, and what it says of itself. Untrusted. */
export interface Looked {
  readonly plugin: LockedPlugin
  readonly inspection: Inspection
}

/** An installed plugin. */
export interface Installed extends LockedPlugin {
  /** Of the file to register. */
  readonly path: string
}

/** An installed plugin, looked up on the disk. */
export interface Verified extends Installed {
  readonly state: FileState
}

/**
 * Installs plugins from files, npm, Go modules and https, and pins them in a lock.
 *
 * An installed plugin is one executable file, at `FOLDER/NAME/SHA256/NAME`. Several versions of it may be there.
 */
export interface Installer {
  /**
   * Installs one plugin and pins it; an entry of the same name and version is replaced.
   *
   * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_INSTALL` at any step, `ERR_PORTCULLIS_PLUGIN_UNTRUSTED`. Nothing is kept.
   */
  install(source: string, options: InstallOptions): Promise<Installed>
  /**
   * Installs exactly what the lock says. Nothing is run and nobody is asked: the hashes of the lock are what is trusted.
   *
   * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_LOCK`: a source gives something else, of which nothing is kept.
   */
  restore(options?: { readonly signal?: AbortSignal }): Promise<readonly Installed[]>
  /** What the lock has. */
  list(): Promise<readonly Installed[]>
  /** Hashes every installed file anew. */
  verify(): Promise<readonly Verified[]>
  /** What the sources have by now. */
  outdated(options?: { readonly signal?: AbortSignal }): Promise<readonly Outdated[]>
  /** Removes a plugin, or one version of it. @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_LOCK`: the lock has none. */
  remove(name: string, version?: string): Promise<readonly LockedPlugin[]>
}

/** @throws {TypeError} naming the option. */
export function createInstaller(options: InstallerOptions): Installer {
  checkNames('createInstaller()', options, ['lockFile', 'folder', 'env', 'onProgress'])
  const { onProgress } = options
  if (onProgress !== undefined && typeof onProgress !== 'function')
    throw new TypeError(`onProgress must be a function, got ${typed(onProgress)}`)
  if (options.lockFile === undefined || options.folder === undefined)
    throw new TypeError('lockFile and folder are needed')
  return new FileInstaller({
    lockFile: resolve(stringOption('lockFile', options.lockFile, '')),
    folder: resolve(stringOption('folder', options.folder, '')),
    env: options.env ?? process.env,
    onProgress: onProgress ?? (() => {}),
  })
}

class FileInstaller implements Installer {
  readonly #config: Required<InstallerOptions>
  readonly #store: PluginStore
  /** Folder of the lock. */
  readonly #base: string

  constructor(config: Required<InstallerOptions>) {
    this.#config = config
    this.#store = new PluginStore(config.folder)
    this.#base = resolve(config.lockFile, '..')
  }

  async install(text: string, options: InstallOptions): Promise<Installed> {
    const source = this.#portable(parseSource(text))
    const { signal } = options
    return await this.#store.staged(async (stage) => {
      const before = await this.#locked()
      const fetched = await fetchSource(source, this.#context(stage, signal))
      const name = checkedName(options.name ?? fetched.name)
      this.#config.onProgress(`looking at ${name} in quarantine`)
      const looked = await this.#look(stage, { ...fetched, name }, source, options)
      signal?.throwIfAborted()
      if ((await options.trust(looked)) !== true) throw untrusted(looked.plugin)
      signal?.throwIfAborted()
      const { plugin } = looked
      await this.#store.keep(fetched.path, plugin)
      const after = [...before.filter((other) => keyOf(other) !== keyOf(plugin)), plugin]
      await writeLock(this.#config.lockFile, after)
      await this.#store.prune(after)
      return this.#installed(plugin)
    })
  }

  async restore({ signal }: { readonly signal?: AbortSignal } = {}): Promise<readonly Installed[]> {
    const plugins = await readLock(this.#config.lockFile)
    if (plugins === undefined) throw lockError(`there is no ${this.#config.lockFile}: install a plugin first`)
    await this.#store.staged(async (stage) => {
      await this.#store.prune(plugins)
      for (const [at, plugin] of plugins.entries()) {
        if ((await this.#store.stateOf(plugin)) === 'ok') continue
        const context = this.#context(join(stage, String(at)), signal, plugin.toolchain)
        await this.#restoreOne(plugin, context)
      }
    })
    return plugins.map((plugin) => this.#installed(plugin))
  }

  async list(): Promise<readonly Installed[]> {
    return (await this.#locked()).map((plugin) => this.#installed(plugin))
  }

  async verify(): Promise<readonly Verified[]> {
    const found: Verified[] = []
    for (const plugin of await this.#locked())
      found.push({ ...this.#installed(plugin), state: await this.#store.stateOf(plugin) })
    return found
  }

  async outdated({ signal }: { readonly signal?: AbortSignal } = {}): Promise<readonly Outdated[]> {
    const { env, onProgress } = this.#config
    return await latestOf(await this.#locked(), { base: this.#base, env, signal, progress: onProgress })
  }

  async remove(name: string, version?: string): Promise<readonly LockedPlugin[]> {
    const wanted = version === undefined ? undefined : (canonicalVersion(version) ?? version)
    const isMeant = (plugin: LockedPlugin): boolean =>
      plugin.name === name && (wanted === undefined || plugin.version === wanted)
    return await this.#store.staged(async () => {
      const before = await this.#locked()
      const removed = before.filter(isMeant)
      if (removed.length === 0) throw notInstalled(wanted === undefined ? name : `${name}@${wanted}`, before)
      const after = before.filter((plugin) => !isMeant(plugin))
      await writeLock(this.#config.lockFile, after)
      await this.#store.prune(after)
      return removed
    })
  }

  async #look(
    stage: string,
    fetched: Fetched,
    source: PluginSource,
    { type, version, isolation, signal }: InstallOptions,
  ): Promise<Looked> {
    const { name, path, sha256, integrity, toolchain } = fetched
    const plugins = await openPlugins(quarantineIn(join(stage, 'quarantine')))
    try {
      const wanted = type ?? fetched.type
      const inspection = await look(plugins, { name, path, sha256, type: wanted, isolation, signal })
      if (wanted !== undefined && inspection.type !== wanted)
        throw installError(`plugin ${name} is of type ${inspection.type}, not ${wanted}`)
      const plugin: LockedPlugin = Object.freeze({
        name,
        type: inspection.type,
        version:
          version === undefined ? fetched.version || canonicalVersion(inspection.version) || '' : semver(version),
        source: sourceText(source),
        sha256,
        ...(integrity === undefined ? {} : { integrity }),
        ...(toolchain === undefined ? {} : { toolchain }),
      })
      return { plugin, inspection }
    } finally {
      await plugins.close()
    }
  }

  async #restoreOne(plugin: LockedPlugin, context: FetchContext): Promise<void> {
    await mkdir(context.stage)
    const fetched = await fetchSource(parseSource(plugin.source), context)
    const { name, integrity } = plugin
    if (integrity !== undefined && fetched.integrity !== integrity)
      throw lockError(`${name}: ${plugin.source} has another integrity than the lock says; nothing of it was kept`)
    if (fetched.sha256 !== plugin.sha256) throw lockError(otherBytes(plugin, fetched))
    await this.#store.keep(fetched.path, plugin)
  }

  #context(stage: string, signal: AbortSignal | undefined, toolchain?: string): FetchContext {
    const { env, onProgress } = this.#config
    return { stage, base: this.#base, env, progress: onProgress, signal, toolchain }
  }

  async #locked(): Promise<readonly LockedPlugin[]> {
    return (await readLock(this.#config.lockFile)) ?? []
  }

  #installed(plugin: LockedPlugin): Installed {
    return Object.freeze({ ...plugin, path: this.#store.pathOf(plugin) })
  }

  /** A file as the lock tells it: a lock is checked in, and its machine's paths are nobody else's. */
  #portable(source: PluginSource): PluginSource {
    if (source.kind !== 'file') return source
    const path = relative(this.#base, resolve(source.path)).split(sep).join('/')
    return { kind: 'file', path: isAbsolute(path) || path.startsWith('../') ? path : `./${path}` }
  }
}

function checkedName(name: string): string {
  if (PLUGIN_NAME.test(name)) return name
  throw installError('the plugin has no name that can be used (letters, digits, dots, dashes): give one with name')
}

function semver(version: string): string {
  const canonical = canonicalVersion(version)
  if (canonical === undefined) throw installError('version must be a semantic version such as v1.2.3')
  return canonical
}

function untrusted({ name, sha256 }: LockedPlugin): Error {
  return untrustedError(`plugin ${name} (SHA-256 ${sha256}) was not trusted, and nothing of it was kept`)
}

function notInstalled(name: string, plugins: readonly LockedPlugin[]): Error {
  const known = plugins.length === 0 ? 'it is empty' : `it has ${plugins.map(keyOf).slice(0, 20).join(', ')}`
  return lockError(`${name} does not stand in the lock: ${known}`)
}

function otherBytes({ name, source, sha256, toolchain }: LockedPlugin, fetched: Fetched): string {
  const hint =
    toolchain === undefined || toolchain === fetched.toolchain
      ? ''
      : ` (built with ${fetched.toolchain}, not ${toolchain})`
  return `${name}: ${source} gives a file with the SHA-256 ${fetched.sha256}, the lock says ${sha256}${hint}; nothing of it was kept`
}
