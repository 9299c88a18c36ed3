import type { JsonObject } from '../../../model/json.ts'
import { data, raw } from '../../answer.ts'
import { type Path, path } from '../../path.ts'
import type { ListPage, PluginStorage } from '../../storage.ts'
import { advise } from './advice.ts'
import { timeText } from './changes.ts'
import { checkMetadataCas } from './check-and-set.ts'
import { readConfig } from './config.ts'
import { nameOf, writtenName } from './keys.ts'
import { namesAnswer, namesIn } from './list.ts'
import { METADATA_FIELDS, type Settings, settingsIn, settingsInPatch, withSettings } from './metadata-settings.ts'
import { refusing } from './refused.ts'
import { emptySecret, secretData } from './secret.ts'
import { METADATA, readSecret, removeSecret, writeSecret } from './secrets.ts'
import type { Shared } from './v2.ts'

const PAGE = {
  after: { type: 'string', description: 'Of a list: names after this one.' },
  limit: { type: 'integer', description: 'Of a list: so many names at most; 0 for all.' },
} as const

interface PageFields {
  readonly after: string | undefined
  readonly limit: number | undefined
}

/** `metadata/NAME`: what is known of a secret beside its data, and lists of names; `detailed-metadata/`: both at once. */
export function metadataPaths(shared: Shared): readonly Path[] {
  return [rootListPath(), metadataPath(shared), detailedRootPath(), detailedPath()]
}

function rootListPath(): Path {
  return path('metadata', {
    summary: 'Names of secrets and folders.',
    fields: { properties: PAGE },
    list: refusing(({ fields, storage }) => list(storage, '', fields)),
    ...{ read: advise, write: advise, patch: advise, delete: advise },
  })
}

function metadataPath({ clock, locks }: Shared): Path {
  const change = async (storage: PluginStorage, name: string, settings: Settings, mayCreate: boolean) => {
    const config = await readConfig(storage)
    return locks.run(name, async () => {
      const before = await readSecret(storage, name)
      if (before === undefined && !mayCreate) return raw({ status: 404 })
      const now = timeText(clock.wallTime())
      const isRequired = config.metadataCasRequired || before?.metadataCasRequired === true
      checkMetadataCas(settings.cas, before?.metadataVersion, isRequired)
      await writeSecret(storage, name, withSettings(before ?? emptySecret(now), settings, now))
      return undefined
    })
  }
  return path('metadata/:path*', {
    summary: 'What is known of a secret beside its data, and its settings.',
    description: 'Deleting it removes the secret with all its versions.',
    fields: { properties: { ...METADATA_FIELDS, ...PAGE } },
    read: refusing(async ({ params, storage }) => {
      const name = nameOf(params.path)
      const secret = name === '' ? undefined : await readSecret(storage, name)
      return secret === undefined ? undefined : data(secretData(secret))
    }),
    write: refusing(async ({ params, data: body, fields, storage }) => {
      const settings = settingsIn(body, fields)
      return settings === undefined ? undefined : change(storage, writtenName(params.path), settings, true)
    }),
    patch: refusing(async ({ params, data: body, fields, storage }) => {
      const settings = settingsInPatch(body, fields)
      return settings === undefined ? undefined : change(storage, writtenName(params.path), settings, false)
    }),
    delete: refusing(({ params, storage }) => {
      const name = nameOf(params.path)
      return name === '' ? undefined : locks.run(name, () => removeSecret(storage, name))
    }),
    list: refusing(({ params, fields, storage }) => list(storage, nameOf(params.path), fields)),
  })
}

function detailedRootPath(): Path {
  return path('detailed-metadata', {
    summary: 'Names of secrets and folders, with their metadata.',
    fields: { properties: PAGE },
    list: refusing(({ fields, storage }) => detailedList(storage, '', fields)),
    ...{ read: advise, write: advise, patch: advise, delete: advise },
  })
}

function detailedPath(): Path {
  return path('detailed-metadata/:path*', {
    summary: 'Names of secrets and folders, with their metadata.',
    fields: { properties: PAGE },
    list: refusing(({ params, fields, storage }) => detailedList(storage, nameOf(params.path), fields)),
  })
}

async function list(storage: PluginStorage, folder: string, fields: PageFields) {
  return namesAnswer(await namesIn(storage, METADATA, folder, pageOf(fields)))
}

/** How many secrets are read at once: the host's answers should not all lie in memory together. */
const BATCH = 32

async function detailedList(storage: PluginStorage, folder: string, fields: PageFields) {
  const names = await namesIn(storage, METADATA, folder, pageOf(fields))
  const info: [string, JsonObject][] = []
  for (let at = 0; at < names.length; at += BATCH)
    info.push(...(await Promise.all(names.slice(at, at + BATCH).map((name) => described(storage, folder, name)))))
  return names.length === 0 ? data({}) : data({ keys: names, key_info: Object.fromEntries(info) })
}

/** A folder is told what is known of the secret of its name, as the servers do; nothing where there is none. */
async function described(storage: PluginStorage, folder: string, name: string): Promise<[string, JsonObject]> {
  const secret = await readSecret(storage, nameOf(`${folder}/${name}`))
  return [name, secret === undefined ? {} : secretData(secret)]
}

function pageOf({ after = '', limit = 0 }: PageFields): ListPage {
  return { after, limit: limit > 0 ? limit : Infinity }
}
