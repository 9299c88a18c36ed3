import { resolve } from 'node:path'
import { PluginError } from '../../errors/index.ts'
import { compareVersions } from '../router/version.ts'
import { reasonOf } from './failure.ts'
import type { FetchContext } from './from/fetched.ts'
import { latestGo } from './from/go.ts'
import { latestNpm } from './from/npm.ts'
import { hashFile } from './hash-file.ts'
import type { LockedPlugin } from './lock.ts'
import { parseSource } from './source.ts'

/** What the source of an installed plugin has by now. */
export interface Outdated {
  readonly plugin: LockedPlugin
  /** `unknown`: the source cannot tell, or not now. */
  readonly state: 'current' | 'outdated' | 'unknown'
  /** Of npm and Go. */
  readonly latest?: string
  /** Why it is unknown, or what has changed. */
  readonly note?: string
}

type Context = Pick<FetchContext, 'base' | 'env' | 'signal' | 'progress'>

/** Looks at the newest installed version of each plugin. */
export async function latestOf(plugins: readonly LockedPlugin[], context: Context): Promise<readonly Outdated[]> {
  const newest = new Map<string, LockedPlugin>()
  for (const plugin of plugins) {
    const other = newest.get(plugin.name)
    if (other === undefined || compareVersions(other.version, plugin.version) < 0) newest.set(plugin.name, plugin)
  }
  const found: Outdated[] = []
  for (const plugin of newest.values()) found.push(await lookedUp(plugin, context))
  return found
}

async function lookedUp(plugin: LockedPlugin, context: Context): Promise<Outdated> {
  try {
    const source = parseSource(plugin.source)
    if (source.kind === 'https') return { plugin, state: 'unknown', note: 'an address has no later versions' }
    if (source.kind === 'file') return await ofFile(plugin, resolve(context.base, source.path))
    context.progress(`looking for versions of ${plugin.name}`)
    const latest = source.kind === 'npm' ? await latestNpm(source.name, context) : await latestGo(source, context)
    return { plugin, latest, state: compareVersions(plugin.version, latest) < 0 ? 'outdated' : 'current' }
  } catch (error) {
    context.signal?.throwIfAborted()
    return { plugin, state: 'unknown', note: error instanceof PluginError ? error.message : reasonOf(error) }
  }
}

async function ofFile(plugin: LockedPlugin, path: string): Promise<Outdated> {
  if ((await hashFile(path)) === plugin.sha256) return { plugin, state: 'current' }
  return { plugin, state: 'outdated', note: 'the file has changed since it was installed' }
}
