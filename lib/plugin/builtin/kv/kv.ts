import type { Clock } from '../../../ports/clock.ts'
import { systemClock } from '../../../system/clock.ts'
import { definePlugin } from '../../define.ts'
import type { BackendPlugin } from '../../definition.ts'
import { upgrade } from './upgrade.ts'
import { STATIC_SECRET, v1Paths } from './v1.ts'
import { v2Paths } from './v2.ts'

/** Options of {@link createKv}. */
export interface KvOptions {
  /** Version of mounts that have no option `version`: `'1'` or `'2'`. Default `'1'`. */
  readonly version?: string
  /** What times are taken from, which end versions. Default: the machine's. */
  readonly clock?: Clock
}

/**
 * The key-value secrets engine, versions 1 and 2, with the paths and answers of the servers' own.
 *
 * The mount's option `version` tells which. A server that refuses the option for foreign plugins gets it by the catalog's `args`:
 * see {@link versionIn}.
 *
 * Storage, v1: `secrets/NAME`. v2: `config`, `metadata/NAME` with all that is known of a secret, `versions/HASH/NUMBER` with the
 * data of a version. A version exists once the metadata says so. Names stay readable in keys, since lists need them.
 *
 * A mount that becomes v2 takes its secrets along at the next start. There is no way back.
 */
export function createKv({ version = '1', clock = systemClock }: KvOptions = {}): BackendPlugin {
  return definePlugin({
    name: 'kv',
    type: 'secret',
    help: 'Keeps secrets under names: in version 2 with their history, in version 1 without.',
    paths: ({ options }) => (isSecond(options.version ?? version) ? v2Paths(clock) : v1Paths),
    initialize: async ({ mount: { options }, storage }) => {
      if (isSecond(options.version ?? version)) await upgrade(storage, clock.wallTime())
    },
    secrets: { kv: STATIC_SECRET },
    sealWrapStorage: ['secrets/', 'versions/'],
  })
}

function isSecond(version: string): boolean {
  if (version !== '1' && version !== '2' && version !== '')
    throw new TypeError(`version must be "1" or "2", got ${JSON.stringify(version)}`)
  return version === '2'
}

/** The version in a process's arguments, such as `--version=2`; `undefined` where there is none. */
export function versionIn(args: readonly string[]): string | undefined {
  return args.find((argument) => argument.startsWith('--version='))?.slice('--version='.length)
}
