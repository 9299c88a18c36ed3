import type { HandlerResult } from './answer.ts'
import type { AskedFields, FieldsSchema, PatchedFields, WrittenFields } from './fields/schema.ts'
import { compilePattern, type OptionalNames, type ParameterNames, type Pattern } from './pattern.ts'
import type { PluginRequest } from './request.ts'

/** Values of a pattern's parameters, by name. */
export type ParametersOf<P extends string> = {
  readonly [N in Exclude<ParameterNames<P>, OptionalNames<P>>]: string
} & { readonly [N in OptionalNames<P>]: string | undefined }

type Sure<P extends string> = Exclude<ParameterNames<P>, OptionalNames<P>>

type WriteRequest<P extends string, F> = PluginRequest<WrittenFields<F, Sure<P>>, ParametersOf<P>>
type AskRequest<P extends string, F> = PluginRequest<AskedFields<F, Sure<P>>, ParametersOf<P>>
type PatchRequest<P extends string, F> = PluginRequest<PatchedFields<F, Sure<P>>, ParametersOf<P>>

type Handler<R> = (request: R) => HandlerResult | Promise<HandlerResult>
type Exists<R> = (request: R) => boolean | Promise<boolean>

/** What a path does; an operation without a handler is refused as unsupported. */
interface Operations<P extends string, F> {
  readonly read?: Handler<AskRequest<P, F>>
  /** The path is matched without the slash that lists end in. */
  readonly list?: Handler<AskRequest<P, F>>
  /** OpenBao: all names below, at every depth. Matched as a list is. */
  readonly scan?: Handler<AskRequest<P, F>>
  readonly delete?: Handler<AskRequest<P, F>>
  readonly update?: Handler<WriteRequest<P, F>>
  /** Create and update, where they are the same; `request.operation` tells which, if there is an `exists`. */
  readonly write?: Handler<WriteRequest<P, F>>
  readonly patch?: Handler<PatchRequest<P, F>>
  /** Auth methods: who would this login be? Answers with `auth.alias` alone. */
  readonly aliasLookahead?: Handler<WriteRequest<P, F>>
  /** Auth methods: which role would this login take? Answers with data `{ role }`. */
  readonly resolveRole?: Handler<WriteRequest<P, F>>
}

/** Create needs to know what is there: the server asks before each write. */
type Creation<P extends string, F> =
  | { readonly create?: undefined; readonly exists?: Exists<PatchRequest<P, F>> }
  | { readonly create: Handler<WriteRequest<P, F>>; readonly exists: Exists<PatchRequest<P, F>> }

interface Description<F> {
  /** One line. */
  readonly summary?: string
  /** Paragraphs, as help shows them. */
  readonly description?: string
  readonly fields?: F
  /** Reachable without a token: logins. */
  readonly unauthenticated?: boolean
  /** Needs `sudo`. The server knows prefixes alone here, so all that begins as the path does up to its first parameter needs it. */
  readonly root?: boolean
}

/** Definition of a path; see {@link path}. */
export type PathDefinition<P extends string, F extends FieldsSchema> = Description<F> &
  Operations<P, F> &
  Creation<P, F>

/** Handlers of a path, as the plugin calls them. */
export type AnyHandler = Handler<PluginRequest<never, never>>

/** A path of a plugin, compiled. */
export interface Path {
  readonly pattern: Pattern
  readonly summary: string
  readonly description: string
  readonly fields: FieldsSchema
  readonly isUnauthenticated: boolean
  readonly isRoot: boolean
  readonly handlers: Readonly<Partial<Record<PluginRequest['operation'], AnyHandler>>>
  readonly exists: Exists<PluginRequest<never, never>> | undefined
}

/**
 * A path below the mount, and what it does.
 *
 * Of several paths that match, the first one listed wins. Fields that the schema does not have are ignored, and the caller is
 * warned; parameters of the path override fields of the same name. What the schema refuses never reaches a handler.
 *
 * @param pattern - `creds/:name`; `:name?` may be absent, `:path*` is the rest with its slashes, `:path+` the same and not empty.
 * @throws {TypeError} `pattern` cannot be used, or there is no handler.
 *
 * @example
 * path('roles/:name', {
 *   fields: { properties: { ttl: { type: 'integer', format: 'duration', default: 3600 } } },
 *   read: async ({ params, storage }) => data((await storage.getJson(`roles/${params.name}`)) ?? {}),
 *   write: async ({ params, fields, storage }) => storage.putJson(`roles/${params.name}`, { ttl: fields.ttl }),
 * })
 */
export function path<const P extends string, const F extends FieldsSchema = Record<never, never>>(
  pattern: P,
  definition: PathDefinition<P, F>,
): Path {
  const { write, create = write, update = write, exists } = definition
  const given = {
    read: definition.read,
    list: definition.list,
    scan: definition.scan,
    delete: definition.delete,
    patch: definition.patch,
    create,
    update,
    'alias-lookahead': definition.aliasLookahead,
    'resolve-role': definition.resolveRole,
  }
  const handlers = Object.fromEntries(Object.entries(given).filter(([, handler]) => handler !== undefined))
  if (Object.keys(handlers).length === 0) throw new TypeError(`path "${pattern}" has no handler`)
  if (definition.create !== undefined && exists === undefined)
    throw new TypeError(`path "${pattern}" has create, and so needs exists`)
  return Object.freeze({
    pattern: compilePattern(pattern),
    summary: definition.summary ?? '',
    description: definition.description ?? '',
    fields: definition.fields ?? {},
    isUnauthenticated: definition.unauthenticated === true,
    isRoot: definition.root === true,
    handlers: handlers as Path['handlers'],
    exists: exists as Path['exists'],
  })
}
