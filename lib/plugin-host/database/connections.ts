import type { JsonObject } from '../../model/json.ts'
import type { CredentialType, DatabaseDriver } from '../backend/database.ts'
import type { EngineContext } from './context.ts'
import { driverWords, openWords } from './driver-words.ts'
import { SharedLock } from './locks.ts'
import type { AllRecords, ConnectionRecord } from './records.ts'
import { fail } from './reply.ts'
import { openWithCandidates } from './root-candidates.ts'

/** A connection that is there, and its driver, ready for calls. */
export interface OpenConnection {
  readonly record: ConnectionRecord
  readonly driver: DatabaseDriver
}

interface Slot {
  readonly lock: SharedLock
  opening: Promise<OpenConnection> | undefined
}

/**
 * The drivers of a mount: one for each connection, opened by the first call that needs it, closed when the connection
 * is written anew, reset or deleted. What happens to one does not touch the others.
 */
export class Connections {
  readonly #context: EngineContext
  readonly #records: AllRecords
  readonly #slots = new Map<string, Slot>()
  #isClosed = false

  constructor(context: EngineContext, records: AllRecords) {
    this.#context = context
    this.#records = records
  }

  /** @throws {Refusal} 500: there is none of that name. */
  async record(name: string): Promise<ConnectionRecord> {
    const record = await this.#records.connections.get(name)
    if (record === undefined) throw fail(`failed to find entry for connection with name: ${JSON.stringify(name)}`)
    return record
  }

  /** As {@link record}, where `role` may use it. @throws {Refusal} 500: it may not. */
  async recordFor(name: string, role: string): Promise<ConnectionRecord> {
    const record = await this.record(name)
    if (!isAllowed(record.allowedRoles, role)) throw fail(`${JSON.stringify(role)} is not an allowed role`)
    return record
  }

  /** Calls the driver; nobody replaces it meanwhile. @throws {Refusal} 500: it cannot be opened. */
  use<T>(name: string, run: (connection: OpenConnection) => Promise<T>): Promise<T> {
    const slot = this.#slot(name)
    return slot.lock.shared(async () => run(await this.#opened(name, slot)))
  }

  /** As {@link use}, with nobody else using it; it is opened anew before and after. */
  rotate<T>(name: string, run: (connection: OpenConnection) => Promise<T>): Promise<T> {
    const slot = this.#slot(name)
    return slot.lock.exclusive(async () => {
      try {
        return await run(await this.#opened(name, slot))
      } finally {
        await this.#drop(slot)
      }
    })
  }

  /** Closes the driver of a connection, if it is open, and then does `change` before anyone opens it again. */
  replace(name: string, change: () => Promise<void> = async () => {}): Promise<void> {
    const slot = this.#slot(name)
    return slot.lock.exclusive(async () => {
      await change()
      await this.#drop(slot)
    })
  }

  /**
   * Writes a connection once a driver takes it.
   *
   * @param isPasswordKnown - The password in `record` has come with the request: together with `verify` it settles
   *   every rotation that was pending.
   * @throws {Refusal} 500: the driver refused; nothing changed.
   */
  async write(
    name: string,
    record: ConnectionRecord,
    verify: boolean,
    isPasswordKnown: boolean,
  ): Promise<ConnectionRecord> {
    const slot = this.#slot(name)
    return await slot.lock.exclusive(async () => {
      const driver = await this.#driver(record)
      const stored = await this.#initialized(driver, record, verify)
      try {
        await this.#context.storage.write([
          this.#records.connections.change(name, stored),
          ...(verify && isPasswordKnown ? [this.#records.pendingRoots.change(name, undefined)] : []),
        ])
      } catch (error) {
        await quietlyClosed(driver)
        throw error
      }
      await this.#drop(slot)
      slot.opening = Promise.resolve({ record: stored, driver })
      return stored
    })
  }

  /** Closes all drivers, after their calls. Idempotent. */
  async close(): Promise<void> {
    this.#isClosed = true
    await Promise.all([...this.#slots.values()].map((slot) => slot.lock.exclusive(() => this.#drop(slot))))
  }

  #slot(name: string): Slot {
    const known = this.#slots.get(name)
    if (known !== undefined) return known
    const slot: Slot = { lock: new SharedLock(), opening: undefined }
    this.#slots.set(name, slot)
    return slot
  }

  async #opened(name: string, slot: Slot): Promise<OpenConnection> {
    if (this.#isClosed) throw fail('the database engine is closed')
    slot.opening ??= this.#open(name).catch((error: unknown) => {
      slot.opening = undefined
      throw error
    })
    return await slot.opening
  }

  async #open(name: string): Promise<OpenConnection> {
    const record = await this.record(name)
    const driver = await this.#driver(record)
    try {
      return { driver, record: await openWithCandidates(this.#context, this.#records, name, record, driver) }
    } catch (error) {
      await quietlyClosed(driver)
      throw error
    }
  }

  async #driver({ pluginName, pluginVersion }: ConnectionRecord): Promise<DatabaseDriver> {
    try {
      return await this.#context.openDriver(pluginName, pluginVersion)
    } catch (error) {
      throw fail(openWords(error, pluginName, pluginVersion))
    }
  }

  async #initialized(driver: DatabaseDriver, record: ConnectionRecord, verify: boolean): Promise<ConnectionRecord> {
    try {
      return { ...record, details: await driver.initialize(record.details, verify) }
    } catch (error) {
      await quietlyClosed(driver)
      throw fail(driverWords(error, 'unable to initialize', secretsOf(record)))
    }
  }

  async #drop(slot: Slot): Promise<void> {
    const { opening } = slot
    slot.opening = undefined
    const connection = await opening?.catch(() => undefined)
    if (connection !== undefined) await quietlyClosed(connection.driver)
  }
}

/** A driver that does not close well is gone all the same. */
async function quietlyClosed(driver: DatabaseDriver): Promise<void> {
  await driver.close().catch(() => undefined)
}

/** What must not show in the words of a driver. */
export function secretsOf({ details }: ConnectionRecord): readonly string[] {
  return ['password', 'private_key'].map((name) => details[name]).filter((value) => typeof value === 'string')
}

/** Which credentials a driver says it can make; passwords where it says nothing. */
export function supportsCredential(details: JsonObject, type: CredentialType): boolean {
  const supported = details.supported_credential_types
  return Array.isArray(supported) ? supported.includes(type) : type === 'password'
}

function isAllowed(allowed: readonly string[], role: string): boolean {
  return allowed.some((pattern) => {
    const isOpenStart = pattern.startsWith('*')
    const isOpenEnd = pattern.endsWith('*')
    const text = pattern.slice(isOpenStart ? 1 : 0, isOpenEnd && pattern !== '*' ? -1 : undefined)
    if (isOpenStart && isOpenEnd) return role.includes(text)
    if (isOpenStart) return role.endsWith(text)
    return isOpenEnd ? role.startsWith(text) : role === pattern
  })
}
