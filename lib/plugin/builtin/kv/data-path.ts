import type { JsonObject } from '../../../model/json.ts'
import { data, type PluginAnswer, raw, withStatus } from '../../answer.ts'
import { type Path, path } from '../../path.ts'
import type { PluginStorage } from '../../storage.ts'
import { withDeleted, withVersion } from './changes.ts'
import { checkCas, dataIn } from './check-and-set.ts'
import { type Config, readConfig } from './config.ts'
import { nameOf, writtenName } from './keys.ts'
import { mergePatch } from './merge-patch.ts'
import { readFound } from './read.ts'
import { existing, refusing } from './refused.ts'
import { emptySecret, isGone, type Secret, versionData, versionOf } from './secret.ts'
import { readSecret, readVersion, storeVersion, writeSecret } from './secrets.ts'
import type { Shared } from './v2.ts'

/** `data/NAME`: the versions of a secret. */
export function dataPath({ clock, locks }: Shared): Path {
  return path('data/:path*', {
    summary: 'A secret: its newest version, or the one that is asked for.',
    description: 'Each write makes a version. A deleted one answers with status 404 and its metadata.',
    fields: {
      properties: {
        data: { type: 'object', description: 'What is kept: any object; of a patch, a JSON merge patch.' },
        options: { type: 'object', description: 'With "cas": the version that is to be replaced; 0 for none yet.' },
        version: { type: 'integer', description: 'Number of the version to read; 0 for the newest.' },
      },
    },
    exists: existing(async ({ params, storage }) => {
      const name = nameOf(params.path)
      return name !== '' && (await readSecret(storage, name)) !== undefined
    }),
    read: refusing(async (request) => {
      const found = await readFound(
        request.storage,
        nameOf(request.params.path),
        request.fields.version ?? 0,
        clock.wallTime(),
      )
      if (found === undefined) return undefined
      const answer = data({ data: found.data, metadata: found.metadata })
      return found.isGone ? withStatus(404, answer, request) : answer
    }),
    write: refusing(async ({ params, data: body, fields, storage }) => {
      const name = writtenName(params.path)
      const written = dataIn(body, fields.data)
      const config = await readConfig(storage)
      return locks.run(name, async () => {
        const nowMs = clock.wallTime()
        const secret = (await readSecret(storage, name)) ?? emptySecret(new Date(nowMs).toISOString())
        checkCas(fields.options, secret.current, config.casRequired || secret.casRequired)
        return append(storage, name, secret, config, written, nowMs)
      })
    }),
    patch: refusing(async (request) => {
      const { params, data: body, fields, storage } = request
      const name = writtenName(params.path)
      const patch = dataIn(body, fields.data)
      const config = await readConfig(storage)
      return locks.run(name, async () => {
        const secret = await readSecret(storage, name)
        if (secret === undefined) return raw({ status: 404 })
        checkCas(fields.options, secret.current, config.casRequired || secret.casRequired)
        const found = versionOf(secret, 0)
        const nowMs = clock.wallTime()
        if (found === undefined) return raw({ status: 404 })
        if (isGone(found.version, nowMs))
          return withStatus(404, data(versionData(secret, found.number, found.version)), request)
        const before = (await readVersion(storage, name, found.number)) ?? {}
        return append(storage, name, secret, config, patch === null ? null : mergePatch(before, patch), nowMs)
      })
    }),
    delete: refusing(({ params, storage }) => {
      const name = nameOf(params.path)
      return locks.run(name, async () => {
        const secret = name === '' ? undefined : await readSecret(storage, name)
        if (secret === undefined) return
        const deleted = withDeleted(secret, [secret.current], clock.wallTime())
        await writeSecret(storage, name, deleted)
      })
    }),
  })
}

async function append(
  storage: PluginStorage,
  name: string,
  before: Secret,
  config: Config,
  written: JsonObject | null,
  nowMs: number,
): Promise<PluginAnswer> {
  const { secret, dropped } = withVersion(before, config, nowMs)
  await storeVersion(storage, name, secret, written, dropped)
  const found = versionOf(secret, 0)
  return data(found === undefined ? {} : versionData(secret, found.number, found.version))
}
