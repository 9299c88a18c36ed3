import { compileFields, type FieldsReader } from './fields/fields.ts'
import type { Path } from './path.ts'

/** A path and how its fields are read. */
export interface Route {
  readonly path: Path
  readonly read: FieldsReader
}

/** Where a request leads. */
export interface Found {
  readonly route: Route
  readonly parameters: Readonly<Record<string, string>>
}

/** The paths of a plugin: which of them a request is on. */
export interface Routes {
  readonly paths: readonly Path[]
  /** The first that matches. */
  find(path: string): Found | undefined
}

/** Indexes `paths` by their first segment; schemas are compiled when their path is first asked for. */
export function createRoutes(paths: readonly Path[]): Routes {
  const routes = paths.map(lazyRoute)
  const open = routes.filter(({ path }) => path.pattern.first === undefined)
  const byFirst = new Map<string, readonly Route[]>()
  for (const first of new Set(paths.map(({ pattern }) => pattern.first)))
    if (first !== undefined)
      byFirst.set(
        first,
        routes.filter(({ path }) => path.pattern.first === undefined || path.pattern.first === first),
      )
  return {
    paths,
    find(text) {
      const slash = text.indexOf('/')
      for (const route of byFirst.get(slash === -1 ? text : text.slice(0, slash)) ?? open) {
        const parameters = route.path.pattern.match(text)
        if (parameters !== undefined) return { route, parameters }
      }
      return undefined
    },
  }
}

function lazyRoute(path: Path): Route {
  let reader: FieldsReader | undefined
  return {
    path,
    read(data, parameters, mode) {
      reader ??= compileFields(path.fields)
      return reader(data, parameters, mode)
    },
  }
}
