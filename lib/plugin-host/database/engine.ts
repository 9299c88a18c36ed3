import { PluginError, PortcullisError } from '../../errors/index.ts'
import type {
  Backend,
  BackendCallOptions,
  BackendReply,
  BackendRequest,
  Existence,
  MountFacts,
  SpecialPaths,
  SystemView,
} from '../../model/backend.ts'
import type { JsonObject } from '../../model/json.ts'
import { parseObjectText } from '../../model/parse-json.ts'
import type { Clock } from '../../ports/clock.ts'
import { type Diagnostics, NO_DIAGNOSTICS } from '../../ports/diagnostics.ts'
import type { Random } from '../../ports/random.ts'
import type { Store } from '../../ports/store.ts'
import { InFlight } from '../storage/in-flight.ts'
import { connectionPaths } from './connection-paths.ts'
import { Connections } from './connections.ts'
import type { EngineContext, OpenDriver } from './context.ts'
import { readFields } from './fields.ts'
import { helpOf } from './help.ts'
import { type EnginePath, matched } from './path.ts'
import { type AllRecords, CONNECTION_PREFIX, recordsIn, STATIC_ROLE_PREFIX } from './records.ts'
import { answer, failed, Refusal, UNSUPPORTED_OPERATION, UNSUPPORTED_PATH, withWarnings } from './reply.ts'
import { rolePaths } from './role-paths.ts'
import { rotationPaths, staticRolePaths } from './static-role-paths.ts'
import { StaticRoles } from './static-roles.ts'
import { Users } from './users.ts'

/** What the engine acts through. */
export interface DatabaseEngineOptions {
  readonly openDriver: OpenDriver
  readonly clock: Clock
  readonly random: Random
  /** Told of static roles that could not be rotated. Default: nobody. */
  readonly diagnostics?: Diagnostics
}

/** What a mount reaches its host through. */
export interface DatabaseEngineServices {
  /** Only what lies below the mount's prefix. */
  readonly storage: Store
  readonly view: SystemView
}

/**
 * The database secrets engine: roles, users with leases, static roles and root rotation, over any dbplugin v5 driver.
 *
 * It lives in the host and answers as the server's engine does. What it stores holds passwords in plain: `storage` has
 * to be behind the barrier.
 *
 * @returns what opens the engine of one mount; static roles that fell due in the meantime are rotated at once.
 */
export function databaseEngine(
  options: DatabaseEngineOptions,
): (mount: MountFacts, services: DatabaseEngineServices) => Promise<Backend> {
  return async ({ path }, { storage, view }) => {
    const { diagnostics = NO_DIAGNOSTICS, ...ports } = options
    const context: EngineContext = { ...ports, diagnostics, storage, view, mount: path }
    const records = recordsIn(storage)
    const connections = new Connections(context, records)
    const staticRoles = new StaticRoles(context, records, connections)
    await staticRoles.open()
    return new DatabaseEngine(context, records, connections, staticRoles)
  }
}

const SPECIAL_PATHS: SpecialPaths = Object.freeze({
  root: [],
  unauthenticated: [],
  localStorage: ['wal/'],
  sealWrapStorage: [CONNECTION_PREFIX, STATIC_ROLE_PREFIX],
})

/** Has the caller been told that it took too long? */
interface Patience {
  isOver: boolean
}

class DatabaseEngine implements Backend {
  readonly specialPaths = SPECIAL_PATHS
  readonly #context: EngineContext
  readonly #connections: Connections
  readonly #staticRoles: StaticRoles
  readonly #users: Users
  readonly #paths: readonly EnginePath[]
  readonly #inFlight = new InFlight()
  #isClosed = false

  constructor(context: EngineContext, records: AllRecords, connections: Connections, staticRoles: StaticRoles) {
    this.#context = context
    this.#connections = connections
    this.#staticRoles = staticRoles
    this.#users = new Users(context, records, connections)
    this.#paths = [
      ...connectionPaths(context, records, connections),
      ...rolePaths(records),
      this.#users.path(),
      ...staticRolePaths(records, staticRoles),
      ...rotationPaths(context, records, connections, staticRoles),
    ]
  }

  async exists(request: BackendRequest): Promise<Existence> {
    const found = matched(this.#paths, request.path)
    if (found === undefined) return { checked: false, exists: false, ...UNSUPPORTED_PATH }
    if (found.path.exists === undefined) return { checked: false, exists: false }
    return { checked: true, exists: await found.path.exists(found.name) }
  }

  /** What took too long goes on; a user that is made after that is dropped again. */
  async handle(request: BackendRequest, options: BackendCallOptions): Promise<BackendReply> {
    if (this.#isClosed) throw this.#error('ERR_PORTCULLIS_PLUGIN_UNAVAILABLE', 'is closed')
    options.signal?.throwIfAborted()
    const patience: Patience = { isOver: false }
    const work = this.#inFlight.hold(this.#carriedOut(request, patience).catch(replyTo))
    return await this.#bounded(work, options, patience)
  }

  async invalidate(key: string): Promise<void> {
    if (key.startsWith(CONNECTION_PREFIX)) await this.#connections.replace(key.slice(CONNECTION_PREFIX.length))
    if (key.startsWith(STATIC_ROLE_PREFIX)) await this.#staticRoles.look(key.slice(STATIC_ROLE_PREFIX.length))
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#staticRoles.close()
    await this.#inFlight.idle()
    await this.#connections.close()
  }

  async #carriedOut(request: BackendRequest, patience: Patience): Promise<BackendReply> {
    switch (request.operation) {
      case 'renew':
        return await this.#users.renew(request)
      case 'revoke':
        return await this.#users.revoke(request)
      case 'rollback':
        this.#staticRoles.tick()
        return {}
      case 'help': {
        const help = helpOf(this.#paths, request.path)
        return help === undefined ? UNSUPPORTED_PATH : answer(help)
      }
      default:
        return await this.#onPath(request, patience)
    }
  }

  async #onPath(request: BackendRequest, patience: Patience): Promise<BackendReply> {
    const found = matched(this.#paths, request.path)
    if (found === undefined) return UNSUPPORTED_PATH
    const { path, name } = found
    const handler = path.operations[request.operation]
    if (handler === undefined) return UNSUPPORTED_OPERATION
    const data = parseObjectText(request.data) ?? {}
    const values = readFields(path.fields, data)
    const reply = await handler({ name, values, data, request, isAbandoned: () => patience.isOver })
    return withWarnings(reply, warningsOn(path, data))
  }

  async #bounded(work: Promise<BackendReply>, options: BackendCallOptions, patience: Patience): Promise<BackendReply> {
    const { signal, timeoutMs } = options
    const over = Promise.withResolvers<never>()
    const end = (error: unknown): void => {
      patience.isOver = true
      over.reject(error)
    }
    const onAbort = (): void => end(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    const timer = this.#context.clock.after(timeoutMs, () =>
      end(this.#error('ERR_PORTCULLIS_PLUGIN_TIMEOUT', `gave no answer within ${timeoutMs} ms`)),
    )
    try {
      return await Promise.race([work, over.promise])
    } finally {
      timer.cancel()
      signal?.removeEventListener('abort', onAbort)
      over.promise.catch(() => undefined)
    }
  }

  #error(code: 'ERR_PORTCULLIS_PLUGIN_UNAVAILABLE' | 'ERR_PORTCULLIS_PLUGIN_TIMEOUT', what: string): PluginError {
    const { mount } = this.#context
    const mayHaveHappened = code === 'ERR_PORTCULLIS_PLUGIN_TIMEOUT'
    return new PluginError(code, `the database engine at ${mount} ${what}`, { mount, mayHaveHappened })
  }
}

function replyTo(error: unknown): BackendReply {
  if (error instanceof Refusal) return error.reply
  // A view refuses `..` in a name by the words that the field knows.
  if (error instanceof TypeError && error.message === 'relative paths not supported') return failed(error.message)
  const message = error instanceof PortcullisError ? error.message : 'internal error'
  return { error: { kind: 'internal', message, status: 0 } }
}

function warningsOn(path: EnginePath, data: JsonObject): readonly string[] {
  const names = Object.keys(data)
  const unknown = names.filter((name) => !Object.hasOwn(path.fields, name) && !(path.isNamed && name === 'name')).sort()
  const warnings: string[] = []
  if (unknown.length > 0) warnings.push(`Endpoint ignored these unrecognized parameters: [${unknown.join(' ')}]`)
  if (path.isNamed && names.includes('name'))
    warnings.push(
      "Endpoint replaced the value of these parameters with the values captured from the endpoint's path: [name]",
    )
  return warnings
}
