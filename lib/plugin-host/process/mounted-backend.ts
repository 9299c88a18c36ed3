import type {
  Backend,
  BackendCallOptions,
  BackendOperation,
  BackendReply,
  BackendRequest,
  Existence,
  SpecialPaths,
} from '../../model/backend.ts'
import { BackendService } from '../wire/gen/services.ts'
import { existenceFromWire, replyFromWire, specialPathsFromWire } from '../wire/reply.ts'
import { requestToWire } from '../wire/request.ts'
import type { CallFacts } from './call.ts'
import { failure } from './failure.ts'
import { call, cleanUp, type Instance, type InstanceParts, initialize, setUp } from './instance.ts'
import type { Slot } from './slot.ts'
import type { Slots } from './slots.ts'

/** What ends with a crash whether or not it was carried out. */
const HARMLESS: ReadonlySet<BackendOperation> = new Set([
  'read',
  'list',
  'scan',
  'help',
  'alias-lookahead',
  'resolve-role',
])
const NO_PATHS: SpecialPaths = { root: [], unauthenticated: [], localStorage: [], sealWrapStorage: [] }
const CLEANUP_MS = 2000

/**
 * A mount's backend, whichever process it lives in at the moment.
 *
 * After a crash the next call sets it up anew, as it was. A call that was under way fails, and is never sent
 * twice from here: who calls knows whether that is safe.
 */
export class MountedBackend implements Backend {
  #specialPaths = NO_PATHS
  #instance: Instance | undefined
  #reviving: Promise<Instance> | undefined
  #isClosed = false
  readonly #slots: Slots
  readonly #slot: Slot
  readonly #parts: InstanceParts

  /** @throws {PluginError} the process does not come up, or the backend in it. */
  static async open(slots: Slots, slot: Slot, parts: InstanceParts): Promise<MountedBackend> {
    const backend = new MountedBackend(slots, slot, parts)
    await backend.#open()
    return backend
  }

  private constructor(slots: Slots, slot: Slot, parts: InstanceParts) {
    this.#slots = slots
    this.#slot = slot
    this.#parts = parts
  }

  get specialPaths(): SpecialPaths {
    return this.#specialPaths
  }

  async handle(request: BackendRequest, options: BackendCallOptions): Promise<BackendReply> {
    const instance = this.#live ?? (await this.#revived(options))
    const facts = this.#facts('the request', !HARMLESS.has(request.operation), options.signal)
    const args = { storageId: 0, request: requestToWire(request) }
    return this.#read(replyFromWire, await call(instance, BackendService.handleRequest, args, options, facts), facts)
  }

  async exists(request: BackendRequest, options: BackendCallOptions): Promise<Existence> {
    const instance = this.#live ?? (await this.#revived(options))
    const facts = this.#facts('the existence check', false, options.signal)
    const args = { storageId: 0, request: requestToWire(request) }
    return this.#read(
      existenceFromWire,
      await call(instance, BackendService.handleExistenceCheck, args, options, facts),
      facts,
    )
  }

  /** A backend that is set up anew reads anew: nothing is to be told to one that is not there. */
  async invalidate(key: string): Promise<void> {
    const instance = this.#live
    if (instance === undefined) return
    const options = { timeoutMs: this.#parts.stepTimeoutMs }
    await call(instance, BackendService.invalidateKey, { key }, options, this.#facts('an invalidation', false))
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const instance = (await this.#reviving?.catch(() => undefined)) ?? this.#instance
    if (instance !== undefined) await cleanUp(instance, CLEANUP_MS)
    this.#parts.storage.dropTransactions()
    await this.#slots.release(this.#slot)
  }

  get #live(): Instance | undefined {
    return this.#instance?.process.isAlive === true && !this.#isClosed ? this.#instance : undefined
  }

  async #open(): Promise<void> {
    const { stepTimeoutMs } = this.#parts
    const instance = await setUp(await this.#slot.get(stepTimeoutMs), this.#parts)
    try {
      await this.#checkType(instance)
      const options = { timeoutMs: stepTimeoutMs }
      const facts = this.#facts('its special paths', false)
      const reply = await call(instance, BackendService.specialPaths, {}, options, facts)
      this.#specialPaths = this.#read(specialPathsFromWire, reply.paths, facts)
      await initialize(instance, this.#parts)
      this.#instance = instance
    } catch (error) {
      await cleanUp(instance, CLEANUP_MS)
      throw error
    }
  }

  async #checkType(instance: Instance): Promise<void> {
    const { mount, stepTimeoutMs } = this.#parts
    const facts = this.#facts('its type', false)
    const { type } = await call(instance, BackendService.type, {}, { timeoutMs: stepTimeoutMs }, facts)
    if (type === (mount.type === 'auth' ? 2 : 1)) return
    throw failure('ERR_PORTCULLIS_PLUGIN_INVALID', facts, `it is no plugin of type ${mount.type}`)
  }

  /** Set up in a new process after a crash; one set-up for all calls that wait. */
  #revived(options: BackendCallOptions): Promise<Instance> {
    if (this.#isClosed) throw failure('ERR_PORTCULLIS_PLUGIN_UNAVAILABLE', this.#facts('', false), 'it is closed')
    this.#reviving ??= this.#revive(options.timeoutMs).finally(() => {
      this.#reviving = undefined
    })
    return withinBounds(this.#reviving, options, () =>
      failure('ERR_PORTCULLIS_PLUGIN_TIMEOUT', this.#facts('', false), 'it was not up again in time'),
    )
  }

  async #revive(timeoutMs: number): Promise<Instance> {
    const old = this.#instance
    this.#instance = undefined
    await old?.brokered.close()
    this.#parts.storage.dropTransactions()
    const instance = await setUp(await this.#slot.get(timeoutMs), this.#parts)
    try {
      await initialize(instance, this.#parts)
    } catch (error) {
      await cleanUp(instance, CLEANUP_MS)
      throw error
    }
    this.#instance = instance
    return instance
  }

  #facts(what: string, mayHaveHappened: boolean, signal?: AbortSignal): CallFacts {
    const of = { plugin: this.#parts.mount.pluginName, mount: this.#parts.mount.path }
    return { ...of, what, mayHaveHappened, ...(signal === undefined ? {} : { signal }) }
  }

  /** What a plugin answers is valid as a message; what it means can still be nonsense. */
  #read<Wire, T>(convert: (wire: Wire) => T, reply: Wire, facts: CallFacts): T {
    try {
      return convert(reply)
    } catch (cause) {
      const { what, mayHaveHappened } = facts
      throw failure('ERR_PORTCULLIS_PLUGIN_PROTOCOL', facts, `its answer to ${what} is not valid`, {
        cause,
        mayHaveHappened,
      })
    }
  }
}

/** `work` goes on for others; this caller waits no longer than it wanted to. */
async function withinBounds<T>(
  work: Promise<T>,
  { signal, timeoutMs }: BackendCallOptions,
  late: () => Error,
): Promise<T> {
  const { promise: ended, reject } = Promise.withResolvers<never>()
  const timer = setTimeout(() => reject(late()), Math.min(timeoutMs, 2 ** 31 - 1))
  const onAbort = (): void => reject(signal?.reason)
  signal?.addEventListener('abort', onAbort)
  try {
    signal?.throwIfAborted()
    return await Promise.race([work, ended])
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', onAbort)
  }
}
