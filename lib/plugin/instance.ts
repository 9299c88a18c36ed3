import type { BackendError, BackendReply, Existence, SpecialPaths } from '../model/backend.ts'
import type { JsonObject } from '../model/json.ts'
import { parseObjectText } from '../model/parse-json.ts'
import { errorResponse, type HandlerResult, type PluginAnswer } from './answer.ts'
import type { BackendPlugin } from './definition.ts'
import { FieldRefusal } from './fields/check.ts'
import { compileFields, type FieldsMode, type ReadFields } from './fields/fields.ts'
import { helpOf } from './help/help.ts'
import type { HostServices } from './host.ts'
import type { InstanceRequest } from './instance-request.ts'
import { renewLease, renewLogin, revokeLease } from './leases.ts'
import type { AnyHandler, Path } from './path.ts'
import { PluginRefusal } from './refusal.ts'
import { errorOf, refusal, responseOf } from './reply.ts'
import type { Context, Mount, PluginRequest } from './request.ts'
import { createRoutes, type Found, type Routes } from './routes.ts'
import { specialPathsOf } from './special-paths.ts'
import { storageOf } from './storage.ts'

/** The call that brought a request; the signal is made when somebody asks for it. */
export interface Call {
  readonly signal: AbortSignal
}

/** What a server tells of a mount at its set-up. */
export type MountOf = Pick<Mount, 'uuid' | 'options' | 'pluginName' | 'pluginVersion'>

/** One mount of a plugin: what the wire, or a test, calls. Nothing rejects; errors are replies. */
export interface Instance {
  readonly mount: Mount
  readonly specialPaths: SpecialPaths
  initialize(call: Call): Promise<BackendError | undefined>
  handle(request: InstanceRequest, call: Call): Promise<BackendReply>
  exists(request: InstanceRequest, call: Call): Promise<Existence>
  invalidate(key: string): Promise<void>
  /** Idempotent. */
  close(): Promise<void>
}

/** Makes a mount of `plugin`. @throws what `paths` of the plugin throws, where it is a function. */
export function createInstance(plugin: BackendPlugin, mountOf: MountOf, services: HostServices): Instance {
  const { storage, system, log } = services
  const mount: Mount = Object.freeze({ ...mountOf, storage: storageOf(storage), system, log })
  return new MountedPlugin(plugin, mount)
}

const MODES: Readonly<Partial<Record<string, FieldsMode>>> = {
  create: 'write',
  update: 'write',
  patch: 'patch',
  'alias-lookahead': 'write',
  'resolve-role': 'write',
}
const OPERATIONS: ReadonlySet<string> = new Set([...Object.keys(MODES), 'read', 'delete', 'list', 'scan'])
const EMPTY: JsonObject = Object.freeze({})

class MountedPlugin implements Instance {
  readonly mount: Mount
  readonly specialPaths: SpecialPaths
  readonly #plugin: BackendPlugin
  readonly #routes: Routes
  #isClosed = false

  constructor(plugin: BackendPlugin, mount: Mount) {
    const paths = typeof plugin.paths === 'function' ? checkedPaths(plugin.paths(mount)) : plugin.paths
    this.mount = mount
    this.specialPaths = specialPathsOf(plugin, paths)
    this.#plugin = plugin
    this.#routes = createRoutes(paths)
  }

  async initialize(call: Call): Promise<BackendError | undefined> {
    try {
      await this.#plugin.initialize?.(this.#context('', call))
      return undefined
    } catch (error) {
      return errorOf(error, this.mount.log)
    }
  }

  async handle(request: InstanceRequest, call: Call): Promise<BackendReply> {
    try {
      switch (request.operation) {
        case 'renew':
          return await this.#renew(request, call)
        case 'revoke':
          return await revokeLease(this.#plugin, request, this.#context(request.mountPoint, call))
        case 'rollback':
          return await this.#rollback(request, call)
        case 'help':
          return helpOf(this.#plugin, this.#routes, request)
        default:
          return await this.#route(request, call)
      }
    } catch (error) {
      if (error instanceof PluginRefusal && error.kind === 'answer')
        return { response: responseOf(errorResponse(error.message), this.#plugin) }
      return { error: errorOf(error, this.mount.log) }
    }
  }

  async exists(request: InstanceRequest, call: Call): Promise<Existence> {
    try {
      const found = this.#routes.find(request.path)
      if (found === undefined) return { checked: false, exists: false, ...refusal('unsupported-path') }
      const { exists } = found.route.path
      if (exists === undefined) return { checked: false, exists: false }
      const body = bodyOf(request)
      const fields = found.route.read(body, found.parameters, 'patch')
      return { checked: true, exists: await exists(this.#request(request, found, body, fields, call)) }
    } catch (error) {
      // A field that the schema refuses: the request itself says so, in words for the caller.
      if (error instanceof FieldRefusal) return { checked: false, exists: false }
      return { checked: true, exists: false, error: errorOf(error, this.mount.log) }
    }
  }

  async invalidate(key: string): Promise<void> {
    try {
      await this.#plugin.invalidate?.(this.mount, key)
    } catch (error) {
      errorOf(error, this.mount.log)
    }
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    try {
      await this.#plugin.cleanup?.(this.mount)
    } catch (error) {
      errorOf(error, this.mount.log)
    }
  }

  async #renew(request: InstanceRequest, call: Call): Promise<BackendReply> {
    const context = this.#context(request.mountPoint, call)
    return request.auth === undefined
      ? renewLease(this.#plugin, request, context)
      : renewLogin(this.#plugin, request.auth, context)
  }

  async #rollback(request: InstanceRequest, call: Call): Promise<BackendReply> {
    if (this.#plugin.periodic === undefined) return refusal('unsupported-operation')
    await this.#plugin.periodic(this.#context(request.mountPoint, call))
    return {}
  }

  async #route(request: InstanceRequest, call: Call): Promise<BackendReply> {
    const { operation, path } = request
    if (!OPERATIONS.has(operation)) return refusal('unsupported-operation')
    const isFolder = (operation === 'list' || operation === 'scan') && path.endsWith('/')
    const found = this.#routes.find(isFolder ? path.slice(0, -1) : path)
    if (found === undefined) return refusal('unsupported-path')
    const handler: AnyHandler | undefined = found.route.path.handlers[operation as PluginRequest['operation']]
    if (handler === undefined) return refusal('unsupported-operation')
    const body = bodyOf(request)
    let fields: ReadFields
    try {
      fields = found.route.read(body, found.parameters, MODES[operation] ?? 'ask')
    } catch (error) {
      if (!(error instanceof FieldRefusal)) throw error
      return { response: responseOf(errorResponse(`Field validation failed: ${error.message}`), this.#plugin) }
    }
    const result = await handler(this.#request(request, found, body, fields, call))
    return this.#reply(result, fields)
  }

  #reply(result: HandlerResult, { ignored, replaced }: ReadFields): BackendReply {
    const warnings: string[] = []
    if (ignored.length > 0) warnings.push(`Endpoint ignored these unrecognized parameters: [${ignored.join(' ')}]`)
    if (replaced.length > 0)
      warnings.push(`Endpoint took the values of these parameters from its path: [${replaced.join(' ')}]`)
    const answer = warned(result ?? undefined, warnings)
    return answer === undefined ? {} : { response: responseOf(answer, this.#plugin) }
  }

  #request(
    request: InstanceRequest,
    found: Found,
    body: JsonObject,
    fields: ReadFields,
    call: Call,
  ): PluginRequest<never, never> {
    const { mount } = this
    return {
      mount,
      storage: mount.storage,
      system: mount.system,
      log: mount.log,
      mountPath: request.mountPoint,
      get signal() {
        return call.signal
      },
      id: request.id,
      operation: request.operation as PluginRequest['operation'],
      path: request.path,
      fields: fields.values as never,
      params: found.parameters as never,
      data: body,
      headers: request.headers ?? {},
      caller: {
        displayName: request.displayName,
        entityId: request.entityId,
        accessor: request.clientTokenAccessor,
        tokenHash: request.clientToken,
        remoteAddress: request.remoteAddress,
      },
      wrapTtlMs: request.wrapTtlMs,
    }
  }

  #context(mountPath: string, call: Call): Context {
    const { mount } = this
    return { mount, storage: mount.storage, system: mount.system, log: mount.log, signal: call.signal, mountPath }
  }
}

/** An answer keeps its warnings; "nothing" stays nothing, as with the servers' own engines: its status says all. */
/** Those that depend on the mount could not be checked when the plugin was defined. */
function checkedPaths(paths: readonly Path[]): readonly Path[] {
  for (const { fields } of paths) compileFields(fields)
  return paths
}

function warned(answer: PluginAnswer | undefined, warnings: readonly string[]): PluginAnswer | undefined {
  if (answer === undefined || warnings.length === 0) return answer
  return { ...answer, warnings: [...(answer.warnings ?? []), ...warnings] }
}

function bodyOf({ data }: InstanceRequest): JsonObject {
  if (data === 'null' || data === '') return EMPTY
  const body = parseObjectText(data)
  if (body === undefined) throw new PluginRefusal('', 'invalid-request')
  return body
}
