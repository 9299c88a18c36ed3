import type { JsonObject, JsonValue } from '../../model/json.ts'
import { type EnginePath, matched, patternOf } from './path.ts'

const ROOT = `The database engine makes users in databases, through database plugins.

Write a connection to "config/:name", a role to "roles/:name", and read "creds/:name": the user lasts as long as the
lease. Users that are there already are taken over by "static-roles/:name".`

/** The help of `path`, `''` for that of the engine; `undefined` where there is no such path. */
export function helpOf(paths: readonly EnginePath[], path: string): JsonObject | undefined {
  if (path === '') return { help: rootHelp(paths), see_also: null, openapi: openApi(paths) }
  const found = matched(paths, path)
  if (found === undefined) return undefined
  return { help: pathHelp(found.path, path), see_also: null, openapi: openApi([found.path]) }
}

function rootHelp(paths: readonly EnginePath[]): string {
  const lines = sorted(paths).map((path) => `    ${patternOf(path)}\n        ${path.summary}`)
  return `## DESCRIPTION\n\n${ROOT}\n\n## PATHS\n\n${lines.join('\n\n')}`
}

function pathHelp(path: EnginePath, requested: string): string {
  const fields = Object.entries({ ...path.fields, ...(path.isNamed ? { name: 'text' } : {}) })
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, kind]) => `    ${name} (${kind})`)
  const parameters = fields.length === 0 ? '' : `\n\n## PARAMETERS\n\n${fields.join('\n\n')}`
  const head = `Request:        ${requested}\nMatching Route: ${patternOf(path)}\n\n${path.summary}`
  return `${head}${parameters}\n\n## DESCRIPTION\n\n${path.description}`
}

const METHODS: Readonly<Record<string, string>> = { read: 'get', list: 'get', update: 'post', delete: 'delete' }

function openApi(paths: readonly EnginePath[]): JsonObject {
  const documented = sorted(paths).map((path): [string, JsonValue] => {
    const operations = Object.keys(path.operations)
      .filter((operation) => METHODS[operation] !== undefined)
      .map((operation): [string, JsonValue] => [
        METHODS[operation] ?? '',
        { tags: ['secrets'], responses: { [operation === 'delete' ? '204' : '200']: { description: 'OK' } } },
      ])
    return [
      `/${path.folder}${path.isNamed ? '/{name}' : ''}`,
      { description: path.summary, ...Object.fromEntries(operations) },
    ]
  })
  return {
    openapi: '3.0.2',
    info: { title: 'portcullis database engine', version: '1' },
    paths: Object.fromEntries(documented),
  }
}

function sorted(paths: readonly EnginePath[]): readonly EnginePath[] {
  return [...paths].sort((a, b) => (patternOf(a) < patternOf(b) ? -1 : 1))
}
