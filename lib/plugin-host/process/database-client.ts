import type { DatabaseDriver, NewUser, UpdateUser } from '../../model/database.ts'
import type { JsonObject } from '../../model/json.ts'
import { newUserToWire, updateUserToWire } from '../wire/database.ts'
import { DatabaseService } from '../wire/gen/services.ts'
import type { Unary } from '../wire/grpc/method.ts'
import { GrpcStatusError } from '../wire/grpc/status.ts'
import { statusWords } from '../wire/grpc/status-words.ts'
import { structFromWire, structToWire } from '../wire/struct.ts'
import { callFailure } from './call.ts'
import type { PluginsConfig } from './config.ts'
import { type FailureOf, failure } from './failure.ts'
import { multiplexId } from './instance.ts'
import type { PluginProcess } from './plugin-process.ts'
import type { CatalogEntry } from './plugins.ts'
import type { Slot } from './slot.ts'
import type { Slots } from './slots.ts'

/** To be asked for its kind, or to close; milliseconds. The field gives a second, which a small machine misses. */
const SHORT_MS = 5000
/** For calls that wait on a database; milliseconds. */
const CALL_MS = 60_000
/** Statuses with which a driver itself refuses or fails, as against trouble with process or wire. */
const OF_DRIVER: ReadonlySet<number> = new Set([2, 3, 5, 6, 7, 9, 13])

/** A driver in a process of its own, or one of several in a process that multiplexes. @throws {PluginError} */
export async function openDatabase(slots: Slots, entry: CatalogEntry, config: PluginsConfig): Promise<DatabaseDriver> {
  return new DatabaseClient(slots, await slots.acquire(entry, config.startTimeoutMs), config)
}

/** What lives in one process: gone with it. */
interface DatabaseInstance {
  readonly process: PluginProcess
  readonly metadata: Readonly<Record<string, string>>
}

class DatabaseClient implements DatabaseDriver {
  readonly #slots: Slots
  readonly #slot: Slot
  readonly #config: PluginsConfig
  readonly #of: FailureOf
  #instance: DatabaseInstance | undefined
  #reviving: Promise<DatabaseInstance> | undefined
  /** What a new process has to be initialised with, after a crash. */
  #stored: JsonObject | undefined
  #isClosed = false

  constructor(slots: Slots, slot: Slot, config: PluginsConfig) {
    this.#slots = slots
    this.#slot = slot
    this.#config = config
    this.#of = { plugin: slot.entry.name }
  }

  async initialize(config: JsonObject, verifyConnection: boolean): Promise<JsonObject> {
    const instance = await this.#fresh()
    const stored = await this.#initialized(instance, config, verifyConnection)
    this.#stored = stored
    this.#instance = instance
    return stored
  }

  async newUser(user: NewUser): Promise<string> {
    const { username } = await this.#call(DatabaseService.newUser, newUserToWire(user))
    return username
  }

  async updateUser(update: UpdateUser): Promise<void> {
    await this.#call(DatabaseService.updateUser, updateUserToWire(update))
  }

  async deleteUser(username: string, statements: readonly string[]): Promise<void> {
    await this.#call(DatabaseService.deleteUser, { username, statements: { Commands: [...statements] } })
  }

  async type(): Promise<string> {
    const instance = await this.#live()
    const { Type } = await this.#sent(instance, DatabaseService.type, {}, SHORT_MS, false)
    return Type
  }

  async close(): Promise<void> {
    if (this.#isClosed) return
    this.#isClosed = true
    const instance = this.#instance
    if (instance?.process.isAlive === true) {
      const { metadata, process } = instance
      await process.channel.unary(DatabaseService.close, {}, { metadata, timeoutMs: SHORT_MS }).catch(() => {})
    }
    await this.#slots.release(this.#slot)
  }

  async #call<Request, Reply>(method: Unary<Request, Reply>, request: Request): Promise<Reply> {
    return await this.#sent(await this.#live(), method, request, CALL_MS, true)
  }

  /** After a crash, one that knows its configuration again. */
  async #live(): Promise<DatabaseInstance> {
    if (this.#instance?.process.isAlive === true && !this.#isClosed) return this.#instance
    this.#reviving ??= this.#revive().finally(() => {
      this.#reviving = undefined
    })
    return await this.#reviving
  }

  async #revive(): Promise<DatabaseInstance> {
    const instance = await this.#fresh()
    if (this.#stored !== undefined) await this.#initialized(instance, this.#stored, false)
    this.#instance = instance
    return instance
  }

  async #fresh(): Promise<DatabaseInstance> {
    if (this.#isClosed) throw failure('ERR_PORTCULLIS_PLUGIN_UNAVAILABLE', this.#of, 'it is closed')
    const process = await this.#slot.get(this.#config.startTimeoutMs)
    if (this.#instance?.process === process) return this.#instance
    return { process, metadata: { multiplex_id: multiplexId(this.#config.random) } }
  }

  async #initialized(instance: DatabaseInstance, config: JsonObject, verifyConnection: boolean): Promise<JsonObject> {
    const request = { configData: structToWire(config), verifyConnection }
    const { configData } = await this.#sent(instance, DatabaseService.initialize, request, CALL_MS, true)
    return structFromWire(configData)
  }

  async #sent<Request, Reply>(
    { process, metadata }: DatabaseInstance,
    method: Unary<Request, Reply>,
    request: Request,
    timeoutMs: number,
    mayHaveHappened: boolean,
  ): Promise<Reply> {
    try {
      return await process.channel.unary(method, request, { metadata, timeoutMs })
    } catch (error) {
      if (error instanceof GrpcStatusError && process.isAlive && OF_DRIVER.has(error.code)) {
        const details = { detail: statusWords(error), mayHaveHappened }
        throw failure(
          'ERR_PORTCULLIS_PLUGIN_DRIVER',
          this.#of,
          `its driver refused or failed (gRPC ${error.code})`,
          details,
        )
      }
      throw await callFailure(error, process, { ...this.#of, what: 'a call of its driver', mayHaveHappened })
    }
  }
}
