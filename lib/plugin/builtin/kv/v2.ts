import type { Clock } from '../../../ports/clock.ts'
import type { Path } from '../../path.ts'
import { createLocks, type Locks } from '../locks.ts'
import { otherPaths, rootPath } from './advice.ts'
import { configPath } from './config-path.ts'
import { dataPath } from './data-path.ts'
import { metadataPaths } from './metadata-paths.ts'
import { subkeysPath } from './subkeys-path.ts'
import { versionPaths } from './version-paths.ts'

/** What the paths of one mount share. */
export interface Shared {
  readonly clock: Clock
  /** Changes of one secret, one after the other: each writes what it has read before. */
  readonly locks: Locks
}

/** Paths of a v2 mount: names with numbered versions. */
export function v2Paths(clock: Clock): readonly Path[] {
  const shared: Shared = { clock, locks: createLocks() }
  return [
    configPath(shared),
    ...['data', 'delete', 'undelete', 'destroy', 'subkeys'].map(rootPath),
    dataPath(shared),
    ...metadataPaths(shared),
    ...versionPaths(shared),
    subkeysPath(shared),
    ...otherPaths,
  ]
}
