import { data, withStatus } from '../../answer.ts'
import { type Path, path } from '../../path.ts'
import { nameOf } from './keys.ts'
import { readFound } from './read.ts'
import { refusing } from './refused.ts'
import { subkeysOf } from './subkeys.ts'
import type { Shared } from './v2.ts'

/** `subkeys/NAME`: what a secret consists of, without its values. */
export function subkeysPath({ clock }: Shared): Path {
  return path('subkeys/:path*', {
    summary: 'The names within a secret, without their values.',
    fields: {
      properties: {
        version: { type: 'integer', description: 'Number of the version to read; 0 for the newest.' },
        depth: { type: 'integer', description: 'Levels of names; 0 for all.' },
      },
    },
    read: refusing(async (request) => {
      const { fields, params, storage } = request
      const found = await readFound(storage, nameOf(params.path), fields.version ?? 0, clock.wallTime())
      if (found === undefined) return undefined
      const subkeys = found.data === null ? null : subkeysOf(found.data, fields.depth ?? 0)
      const answer = data({ metadata: found.metadata, subkeys })
      return found.isGone ? withStatus(404, answer, request) : answer
    }),
  })
}
