import type { Clock } from '../../../ports/clock.ts'
import { type Path, path } from '../../path.ts'
import type { PluginStorage } from '../../storage.ts'
import { withDeleted, withDestroyed, withUndeleted } from './changes.ts'
import { readConfig } from './config.ts'
import { writtenName } from './keys.ts'
import { Refused, refusing } from './refused.ts'
import type { Secret } from './secret.ts'
import { readSecret, storeDestroyed, writeSecret } from './secrets.ts'
import type { Shared } from './v2.ts'

interface Work {
  readonly storage: PluginStorage
  readonly name: string
  readonly secret: Secret
  readonly numbers: readonly number[]
  readonly clock: Clock
}

/** `delete/NAME`, `undelete/NAME`, `destroy/NAME`: what is done to single versions. */
export function versionPaths(shared: Shared): readonly Path[] {
  return [
    versionPath(shared, {
      folder: 'delete',
      summary: 'Deletes versions; their data stays and can be brought back.',
      missing: 'No version number provided',
      work: ({ storage, name, secret, numbers, clock }) =>
        writeSecret(storage, name, withDeleted(secret, numbers, clock.wallTime())),
    }),
    versionPath(shared, {
      folder: 'undelete',
      summary: 'Brings deleted versions back.',
      missing: 'No version number provided',
      work: async ({ storage, name, secret, numbers, clock }) =>
        writeSecret(storage, name, withUndeleted(secret, numbers, await readConfig(storage), clock.wallTime())),
    }),
    versionPath(shared, {
      folder: 'destroy',
      summary: 'Removes the data of versions for good.',
      missing: 'no version number provided',
      work: ({ storage, name, secret, numbers }) => {
        const { secret: destroyed, dropped } = withDestroyed(secret, numbers)
        return storeDestroyed(storage, name, destroyed, dropped)
      },
    }),
  ]
}

interface VersionPath {
  readonly folder: string
  readonly summary: string
  readonly missing: string
  readonly work: (work: Work) => Promise<void>
}

function versionPath({ clock, locks }: Shared, { folder, summary, missing, work }: VersionPath): Path {
  return path(`${folder}/:path*`, {
    summary,
    fields: {
      properties: {
        versions: {
          type: 'array',
          format: 'comma-list',
          items: { type: 'integer' },
          description: 'Numbers of the versions; those that are not there are passed over.',
        },
      },
    },
    write: refusing(({ params, fields, storage }) => {
      const numbers = fields.versions ?? []
      if (numbers.length === 0) throw new Refused(missing)
      const name = writtenName(params.path)
      return locks.run(name, async () => {
        const secret = await readSecret(storage, name)
        if (secret !== undefined) await work({ storage, name, secret, numbers, clock })
      })
    }),
  })
}
