import { data } from '../../answer.ts'
import { type Path, path } from '../../path.ts'
import { advise } from './advice.ts'
import { configData, readConfig, writeConfig } from './config.ts'
import { chosen, setting } from './settings.ts'
import type { Shared } from './v2.ts'

/** `config`: how a mount treats secrets that have no settings of their own. */
export function configPath({ locks }: Shared): Path {
  return path('config', {
    summary: 'Settings of the mount, for secrets that have none of their own.',
    fields: {
      properties: {
        max_versions: { type: 'integer', description: 'Versions kept of a secret; 0 for 10.' },
        cas_required: { type: 'boolean', description: 'Whether each write must name the version it replaces.' },
        metadata_cas_required: { type: 'boolean', description: 'The same for changes of metadata.' },
        delete_version_after: {
          type: 'integer',
          format: 'signed-duration',
          description:
            'Time after which a new version is deleted; 0 for never, below 0 for never, whatever a secret says.',
        },
      },
    },
    read: async ({ storage }) => data(configData(await readConfig(storage))),
    write: ({ data: body, fields, storage }) =>
      locks.run('', async () => {
        const config = await readConfig(storage)
        const after = fields.delete_version_after
        await writeConfig(storage, {
          maxVersions: chosen(setting(body, 'max_versions', fields.max_versions, 0), config.maxVersions) >>> 0,
          casRequired: chosen(setting(body, 'cas_required', fields.cas_required, false), config.casRequired),
          metadataCasRequired: chosen(
            setting(body, 'metadata_cas_required', fields.metadata_cas_required, false),
            config.metadataCasRequired,
          ),
          deleteAfter: after === undefined ? config.deleteAfter : Math.max(after, -1),
        })
      }),
    list: advise,
  })
}
