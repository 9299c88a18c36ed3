import { type PluginAnswer, withStatus } from '../../answer.ts'
import { type Path, path } from '../../path.ts'

const ADVICE =
  'This is a versioned key-value store: secrets are read and written below "data/", listed and described below "metadata/".'

/** Status 404, and where to look instead. */
export function advise(request: { readonly id: string }): PluginAnswer {
  return withStatus(404, { warnings: [ADVICE] }, request)
}

/** `name` alone, by people who take the mount for one of v1; lists have their own say. */
export function rootPath(name: string): Path {
  return path(name, {
    summary: `Nothing by itself: a name follows "${name}/".`,
    fields: { additionalProperties: true },
    read: advise,
    write: advise,
    patch: advise,
    delete: advise,
  })
}

/** Everything that is no path of a v2 mount. */
export const otherPaths: readonly Path[] = [
  path(':path*', {
    summary: 'No path of a versioned key-value store.',
    fields: { additionalProperties: true },
    read: advise,
    write: advise,
    patch: advise,
    delete: advise,
    list: advise,
  }),
]
