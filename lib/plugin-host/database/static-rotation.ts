import { type Connections, type OpenConnection, secretsOf, supportsCredential } from './connections.ts'
import type { EngineContext } from './context.ts'
import { newCredential } from './credentials.ts'
import { driverWords } from './driver-words.ts'
import type { AllRecords, Credential, PendingRotation, StaticRoleRecord } from './records.ts'
import { fail } from './reply.ts'

/** What a rotation starts from: a role without its new credential. */
export type StaticRoleTerms = Omit<StaticRoleRecord, 'credential' | 'lastRotationMs'>

/**
 * Gives the user of a static role a new credential, in an order that loses it nowhere.
 *
 * 1. The credential is stored as pending. 2. The database is told. 3. The role gets it, and what was pending goes, in
 * one write. After a failure or crash between, the pending credential is set anew, which is the same whether the
 * database had taken it or not; so database and storage always meet.
 */
export class StaticRotation {
  readonly #context: EngineContext
  readonly #records: AllRecords
  readonly #connections: Connections

  constructor(context: EngineContext, records: AllRecords, connections: Connections) {
    this.#context = context
    this.#records = records
    this.#connections = connections
  }

  /** Rotates a role that is there, or goes on with what is pending. @throws {Refusal} 500 */
  async rotate(name: string, role: StaticRoleRecord): Promise<StaticRoleRecord> {
    return await this.#set(name, role, await this.#records.pendingRotations.get(name), false)
  }

  /** First credential of a new role. Nothing is left of it where it fails. @throws {Refusal} 500 */
  async create(name: string, terms: StaticRoleTerms): Promise<StaticRoleRecord> {
    return await this.#set(name, terms, undefined, true)
  }

  /** Goes on with a creation that went down half-way: its user may have the credential already. @throws {Refusal} 500 */
  async resume(name: string, pending: PendingRotation): Promise<StaticRoleRecord> {
    return await this.#set(name, pending.role, pending, true)
  }

  async #set(
    name: string,
    terms: StaticRoleTerms,
    pending: PendingRotation | undefined,
    isCreation: boolean,
  ): Promise<StaticRoleRecord> {
    const { details } = await this.#connections.recordFor(terms.dbName, name)
    if (!supportsCredential(details, terms.credentialType))
      throw fail(`unsupported credential_type: ${JSON.stringify(terms.credentialType)}`)
    return await this.#connections.use(terms.dbName, async (connection) => {
      const credential = reusable(pending, terms) ?? (await this.#newCredential(terms, connection))
      // While it is pending this says since when.
      const lastRotationMs = pending?.role.lastRotationMs ?? this.#context.clock.wallTime()
      const role = { ...terms, credential, lastRotationMs }
      const { pendingRotations, staticRoles } = this.#records
      await pendingRotations.put(name, { role, isCreation })
      await this.#tell(name, role, connection, isCreation && pending === undefined)
      const rotated = { ...role, lastRotationMs: this.#context.clock.wallTime() }
      await this.#context.storage.write([staticRoles.change(name, rotated), pendingRotations.change(name, undefined)])
      return rotated
    })
  }

  #newCredential(terms: StaticRoleTerms, { record }: OpenConnection): Promise<Credential> {
    return newCredential(this.#context, terms.credentialType, terms.credentialConfig, record.passwordPolicy)
  }

  async #tell(name: string, role: StaticRoleRecord, connection: OpenConnection, isForgotten: boolean): Promise<void> {
    const { credential, username, rotationStatements: statements } = role
    try {
      await connection.driver.updateUser({
        username,
        credentialType: credential.type,
        ...(credential.type === 'password'
          ? { password: { value: credential.password, statements } }
          : { publicKey: { value: credential.publicKey, statements } }),
      })
    } catch (error) {
      // The caller is told that there is no such role, and repeats the request with a credential of its own.
      if (isForgotten) await this.#records.pendingRotations.put(name, undefined)
      const secrets = [...secretsOf(connection.record), credential.password]
      throw fail(`error setting credentials: ${driverWords(error, 'unable to update user', secrets)}`)
    }
  }
}

/** What is pending, unless it is of another kind or for another user than the role asks for by now. */
function reusable(pending: PendingRotation | undefined, terms: StaticRoleTerms): Credential | undefined {
  if (pending === undefined) return undefined
  const { credential, username, dbName } = pending.role
  const isSame = credential.type === terms.credentialType && username === terms.username && dbName === terms.dbName
  return isSame ? credential : undefined
}
