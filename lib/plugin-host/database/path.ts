import type { BackendOperation, BackendReply, BackendRequest } from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import type { Fields, FieldValues } from './fields.ts'

/** One request, read by its path. */
export interface PathCall {
  /** What stands for `:name` in the path; `''` where there is none. */
  readonly name: string
  readonly values: FieldValues
  /** All that was sent, declared or not. */
  readonly data: JsonObject
  readonly request: BackendRequest
  /** Has the caller been told already that it took too long? */
  isAbandoned(): boolean
}

export type Handler = (call: PathCall) => Promise<BackendReply>

/** A kind of path of the engine: what may be done there, and what stands in its help. */
export interface EnginePath {
  /** First segment: `config`, `roles`, … */
  readonly folder: string
  /** `folder/:name`; else `folder/`. */
  readonly isNamed: boolean
  readonly fields: Fields
  readonly operations: Readonly<Partial<Record<BackendOperation, Handler>>>
  /** Before a create or update; absent where there is no check. */
  readonly exists?: (name: string) => Promise<boolean>
  readonly summary: string
  readonly description: string
}

const NAME = String.raw`\w(([\w-.]+)?\w)?`
const NAMED = /^\w(?:[\w.-]*\w)?$/

/** The pattern of `path`, as the server shows it in help. */
export function patternOf({ folder, isNamed }: EnginePath): string {
  return isNamed ? `^${folder}/(?P<name>${NAME})$` : `^${folder}/?$`
}

/** Which of `paths` a request is for, and the name in it; `undefined` for none. */
export function matched(
  paths: readonly EnginePath[],
  path: string,
): { readonly path: EnginePath; readonly name: string } | undefined {
  const slash = path.indexOf('/')
  const folder = slash === -1 ? path : path.slice(0, slash)
  const name = slash === -1 ? '' : path.slice(slash + 1)
  const isNamed = name !== ''
  if (isNamed && !NAMED.test(name)) return undefined
  const found = paths.find((candidate) => candidate.folder === folder && candidate.isNamed === isNamed)
  return found === undefined ? undefined : { path: found, name }
}

/** `fields` of the list operation. */
export const LIST_FIELDS: Fields = Object.freeze({ after: 'text', limit: 'count' })

/** A list of names, a part of it where asked for. */
export function listHandler(list: (after?: string, limit?: number) => Promise<readonly string[]>): Handler {
  return async ({ values }) => {
    const limit = values.count('limit') ?? 0
    const keys = await list(values.text('after') || undefined, limit > 0 ? limit : undefined)
    return listed(keys)
  }
}

function listed(keys: readonly string[]): BackendReply {
  const data = keys.length === 0 ? '{}' : JSON.stringify({ keys })
  return { response: { data, redirect: '', warnings: [], wrapTtlMs: 0, headers: {} } }
}
