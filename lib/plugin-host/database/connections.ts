import type { CredentialType, DatabaseDriver } from '../../model/database.ts'
import type { JsonObject } from '../../model/json.ts'
import type { EngineContext } from './context.ts'
import { driverWords, openWords } from './driver-words.ts'
import { limitedDriver } from './limited-driver.ts'
import { SharedLock } from './locks.ts'
import type { AllRecords, ConnectionRecord } from './records.ts'
import { fail, Refusal, refuse } from './reply.ts'
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
    return slot.lock.shared(async () => {
      const connection = await this.#opened(name, slot)
      try {
        return await run(connection)
      } catch (error) {
        await this.#doubt(name, slot)
        throw error
      }
    })
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
   * @param change - Handed what is stored, with the password that is right by now.
   * @param isPasswordKnown - The password comes with the request: together with `verify` it settles every rotation
   *   that was pending.
   * @throws {Refusal} by `change`; 400: the driver refused. Nothing changed.
   */
  async write(
    name: string,
    change: (before: ConnectionRecord | undefined) => ConnectionRecord,
    verify: boolean,
    isPasswordKnown: boolean,
  ): Promise<ConnectionRecord> {
    const slot = this.#slot(name)
    return await slot.lock.exclusive(async () => {
      if (!isPasswordKnown) await this.#settle(name, slot)
      const record = change(await this.#records.connections.get(name))
      const { driver, record: stored } = await this.#created(record, verify)
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
      // Which password is right is still open: the next call finds out.
      if (await this.#isPending(name)) await this.#drop(slot)
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

  /** A rotation of the root password has failed, or went down half-way, and is not settled yet. */
  async #isPending(name: string): Promise<boolean> {
    return (await this.#records.pendingRoots.get(name)) !== undefined
  }

  /** After a failed call: the password may be another by now, so the connection is opened anew once nobody uses it. */
  async #doubt(name: string, slot: Slot): Promise<void> {
    if (await this.#isPending(name)) slot.lock.exclusive(() => this.#drop(slot)).catch(() => undefined)
  }

  /** Finds out which password is right, where a rotation went down half-way. */
  async #settle(name: string, slot: Slot): Promise<void> {
    if (!(await this.#isPending(name))) return
    await this.#drop(slot)
    await this.#opened(name, slot).catch(() => undefined)
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
      const driver = await this.#context.openDriver(pluginName, pluginVersion)
      return limitedDriver(driver, this.#context.clock, pluginName)
    } catch (error) {
      throw fail(openWords(error, pluginName, pluginVersion))
    }
  }

  /** A driver for what is about to be stored. @throws {Refusal} 400 */
  async #created(record: ConnectionRecord, verify: boolean): Promise<OpenConnection> {
    const driver = await this.#driver(record).catch((error: unknown) => {
      throw error instanceof Refusal ? refuse(`error creating database object: ${error.message}`) : error
    })
    try {
      return { driver, record: { ...record, details: await driver.initialize(record.details, verify) } }
    } catch (error) {
      await quietlyClosed(driver)
      const words = driverWords(error, 'unable to initialize', secretsOf(record))
      throw refuse(`error creating database object: ${words}`)
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
