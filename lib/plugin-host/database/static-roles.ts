import { PortcullisError } from '../../errors/index.ts'
import type { Connections } from './connections.ts'
import type { EngineContext } from './context.ts'
import { DueQueue } from './due-queue.ts'
import { Turns } from './locks.ts'
import type { AllRecords, PendingRotation, StaticRoleRecord } from './records.ts'
import { fail, Refusal, refuse } from './reply.ts'
import { type StaticRoleTerms, StaticRotation } from './static-rotation.ts'

/** After a rotation that failed; milliseconds. */
const RETRY_MS = 10_000
/** A creation that went down half-way is gone on with for so long; milliseconds. */
const RESUME_LIMIT_MS = 24 * 3_600_000
/** Rotations under way at once, over all connections of a mount. */
const AT_ONCE = 8
/** Records read at once when the mount is opened. */
const READ_AT_ONCE = 32

/** Static roles: users that are there already, and whose credentials are rotated when they fall due. */
export class StaticRoles {
  readonly #context: EngineContext
  readonly #records: AllRecords
  readonly #rotation: StaticRotation
  readonly #turns = new Turns()
  readonly #queue: DueQueue

  constructor(context: EngineContext, records: AllRecords, connections: Connections) {
    this.#context = context
    this.#records = records
    this.#rotation = new StaticRotation(context, records, connections)
    this.#queue = new DueQueue(context.clock, AT_ONCE, (name) => this.#onDue(name))
  }

  /** Finds out what falls due when, and goes on with what an earlier process left pending. */
  async open(): Promise<void> {
    const names = await this.#records.staticRoles.list()
    for (let at = 0; at < names.length; at += READ_AT_ONCE)
      await Promise.all(names.slice(at, at + READ_AT_ONCE).map((name) => this.look(name)))
    const nowMs = this.#context.clock.wallTime()
    for (const name of await this.#records.pendingRotations.list()) this.#queue.set(name, nowMs)
  }

  /** Reads anew when `name` falls due; for a record that has changed behind our back. */
  async look(name: string): Promise<void> {
    const role = await this.#records.staticRoles.get(name)
    if (role === undefined) this.#queue.delete(name)
    else await this.#schedule(name, role)
  }

  /** Starts what is due. */
  tick(): void {
    this.#queue.look()
  }

  /**
   * Writes a role by `change`, which is handed the one that is there. A new one gets its first credential here.
   *
   * @throws {Refusal} by `change`, or because the credential could not be set.
   */
  async write(name: string, change: (before: StaticRoleRecord | undefined) => StaticRoleTerms): Promise<void> {
    await this.#turns.take(name, async () => {
      if ((await this.#records.roles.get(name)) !== undefined) throw refuse('Role and Static Role names must be unique')
      const before = await this.#records.staticRoles.get(name)
      const terms = change(before)
      if (before === undefined) this.#queue.set(name, dueMs(await this.#rotation.create(name, terms)))
      else await this.#update(name, { ...before, ...terms })
    })
  }

  async delete(name: string): Promise<void> {
    await this.#turns.take(name, async () => {
      const { staticRoles, pendingRotations } = this.#records
      this.#queue.delete(name)
      await this.#context.storage.write([staticRoles.change(name, undefined), pendingRotations.change(name, undefined)])
    })
  }

  /** Rotates now. @throws {Refusal} 400: there is no such role; 500: it failed, and is tried again by itself. */
  async rotate(name: string): Promise<void> {
    await this.#turns.take(name, async () => {
      const role = await this.#records.staticRoles.get(name)
      if (role === undefined) throw refuse('no static role found for role name')
      try {
        this.#queue.set(name, dueMs(await this.#rotation.rotate(name, role)))
      } catch (error) {
        this.#retry(name)
        if (!(error instanceof Refusal)) throw error
        throw fail(
          `unable to finish rotating credentials; retries will continue in the background but it is also safe to retry manually: ${error.message}`,
        )
      }
    })
  }

  /** Waits for what is under way. Idempotent. */
  async close(): Promise<void> {
    await this.#queue.close()
    await this.#turns.idle()
  }

  async #update(name: string, role: StaticRoleRecord): Promise<void> {
    await this.#records.staticRoles.put(name, role)
    await this.#schedule(name, role)
  }

  /** When it falls due, or sooner where a rotation has failed and is to be gone on with. */
  async #schedule(name: string, role: StaticRoleRecord): Promise<void> {
    if ((await this.#records.pendingRotations.get(name)) === undefined) this.#queue.set(name, dueMs(role))
    else this.#retry(name)
  }

  async #onDue(name: string): Promise<void> {
    try {
      await this.#turns.take(name, () => this.#rotateDue(name))
    } catch (error) {
      this.#retry(name)
      const code = error instanceof PortcullisError ? error.code : 'ERR_PORTCULLIS_PLUGIN_DRIVER'
      this.#context.diagnostics.warn('a static role was not rotated; it is tried again', {
        mount: this.#context.mount,
        role: name,
        code,
      })
    }
  }

  async #rotateDue(name: string): Promise<void> {
    const { staticRoles, pendingRotations } = this.#records
    const [role, pending] = await Promise.all([staticRoles.get(name), pendingRotations.get(name)])
    if (role === undefined) return await this.#resumeCreation(name, pending)
    const isDue = pending !== undefined || dueMs(role) <= this.#context.clock.wallTime()
    // Rotated by hand while it waited for its turn.
    this.#queue.set(name, dueMs(isDue ? await this.#rotation.rotate(name, role) : role))
  }

  async #resumeCreation(name: string, pending: PendingRotation | undefined): Promise<void> {
    if (pending === undefined) return
    const isTooOld = this.#context.clock.wallTime() - pending.role.lastRotationMs > RESUME_LIMIT_MS
    const isTaken = (await this.#records.roles.get(name)) !== undefined
    if (isTooOld || isTaken) await this.#records.pendingRotations.put(name, undefined)
    else this.#queue.set(name, dueMs(await this.#rotation.resume(name, pending)))
  }

  #retry(name: string): void {
    this.#queue.set(name, this.#context.clock.wallTime() + RETRY_MS)
  }
}

/** When the credential of `role` is to be replaced; milliseconds since 1970. */
export function dueMs({ lastRotationMs, rotationPeriodMs }: StaticRoleRecord): number {
  return lastRotationMs + rotationPeriodMs
}
