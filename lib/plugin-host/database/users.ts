import type { BackendReply, BackendRequest, BackendSecret } from '../../model/backend.ts'
import { isJsonObject, type JsonObject } from '../../model/json.ts'
import { parseObjectText } from '../../model/parse-json.ts'
import { type Connections, type OpenConnection, secretsOf, supportsCredential } from './connections.ts'
import type { EngineContext } from './context.ts'
import { newCredential } from './credentials.ts'
import { driverWords } from './driver-words.ts'
import type { EnginePath, PathCall } from './path.ts'
import type { AllRecords, Credential, RoleRecord } from './records.ts'
import { answer, fail, refuse } from './reply.ts'
import { userEnd } from './ttl.ts'

/** Longest name of a user taken from a driver. */
const MAX_USERNAME = 4096
/** Marks our leases, as the server marks them. */
const SECRET_TYPE = 'creds'

/** Users that last as long as their lease: `creds/:name`, and what becomes of them. */
export class Users {
  readonly #context: EngineContext
  readonly #records: AllRecords
  readonly #connections: Connections

  constructor(context: EngineContext, records: AllRecords, connections: Connections) {
    this.#context = context
    this.#records = records
    this.#connections = connections
  }

  path(): EnginePath {
    return {
      folder: 'creds',
      isNamed: true,
      fields: {},
      summary: 'Get a user of a role.',
      description: 'The user is made now, and dropped when its lease ends.',
      operations: { read: (call) => this.#create(call) },
    }
  }

  /** By the role's TTLs as they are now, not as they were when the lease began. */
  async renew({ secret }: BackendRequest): Promise<BackendReply> {
    const lease = leaseOf(secret)
    const role = await this.#records.roles.get(lease.role)
    if (role === undefined)
      throw fail(`error during renew: could not find role with name ${JSON.stringify(lease.role)}`)
    const { incrementMs, issuedAtMs = this.#context.clock.wallTime() } = lease.secret
    await this.#connections.record(role.dbName)
    const atMs = userEnd(this.#context, role, incrementMs, issuedAtMs)
    await this.#connections.use(role.dbName, ({ driver, record }) =>
      worded('unable to update user', secretsOf(record), () =>
        driver.updateUser({
          username: lease.username,
          credentialType: 'password',
          expiration: { atMs, statements: role.renewStatements },
        }),
      ),
    )
    const { internalData, leaseId, renewable } = lease.secret
    return answer(null, { ...termsOf(role), renewable, incrementMs, issuedAtMs, internalData, leaseId })
  }

  /** By the role as it is now; one that is gone is stood in for by what the lease remembers. */
  async revoke({ secret }: BackendRequest): Promise<BackendReply> {
    const lease = leaseOf(secret)
    const role = await this.#records.roles.get(lease.role)
    const dbName = role?.dbName ?? lease.dbName
    await this.#connections.record(dbName)
    await this.#connections.use(dbName, (connection) =>
      this.#drop(connection, lease.username, role?.revocationStatements ?? lease.revocationStatements),
    )
    return {}
  }

  async #create(call: PathCall): Promise<BackendReply> {
    const role = await this.#records.roles.get(call.name)
    if (role === undefined) throw refuse(`unknown role: ${call.name}`)
    const { details } = await this.#connections.recordFor(role.dbName, call.name)
    if (!supportsCredential(details, role.credentialType))
      throw refuse(`unsupported credential_type: ${JSON.stringify(role.credentialType)}`)
    return await this.#connections.use(role.dbName, (connection) => this.#created(call, role, connection))
  }

  async #created(call: PathCall, role: RoleRecord, connection: OpenConnection): Promise<BackendReply> {
    const { credentialType, credentialConfig } = role
    const policy = connection.record.passwordPolicy
    const credential = await newCredential(this.#context, credentialType, credentialConfig, policy)
    const secrets = [...secretsOf(connection.record), credential.password]
    const username = await worded('unable to create new user', secrets, () =>
      connection.driver.newUser({
        displayName: call.request.displayName,
        roleName: call.name,
        credentialType,
        password: credential.password,
        publicKey: credential.publicKey,
        subject: '',
        expiresAtMs: userEnd(this.#context, role, 0, this.#context.clock.wallTime()),
        statements: role.creationStatements,
        rollbackStatements: role.rollbackStatements,
      }),
    )
    if (typeof username !== 'string' || username === '' || username.length > MAX_USERNAME)
      throw fail('the driver gave no valid name for the user that it made')
    if (call.isAbandoned()) {
      // Nobody waits for this user, so no lease would ever end it.
      await this.#drop(connection, username, role.revocationStatements)
      throw fail('the request was given up before the user was there; the user has been dropped')
    }
    return answer(shown(username, credential), this.#secret(call.name, role, username))
  }

  #secret(name: string, role: RoleRecord, username: string): BackendSecret {
    const internalData = JSON.stringify({
      username,
      role: name,
      db_name: role.dbName,
      revocation_statements: role.revocationStatements,
      secret_type: SECRET_TYPE,
    })
    return { ...termsOf(role), renewable: true, incrementMs: 0, issuedAtMs: undefined, internalData, leaseId: '' }
  }

  async #drop({ driver, record }: OpenConnection, username: string, statements: readonly string[]): Promise<void> {
    await worded('unable to delete user', secretsOf(record), () => driver.deleteUser(username, statements))
  }
}

async function worded<T>(action: string, secrets: readonly string[], run: () => Promise<T>): Promise<T> {
  try {
    return await run()
  } catch (error) {
    throw fail(driverWords(error, action, secrets))
  }
}

function termsOf({ defaultTtlMs, maxTtlMs }: RoleRecord): { readonly ttlMs: number; readonly maxTtlMs: number } {
  return { ttlMs: defaultTtlMs, maxTtlMs }
}

function shown(username: string, credential: Credential): JsonObject {
  return credential.type === 'rsa_private_key'
    ? { rsa_private_key: credential.privateKey, username }
    : { password: credential.password, username }
}

interface Lease {
  readonly secret: BackendSecret
  readonly username: string
  readonly role: string
  readonly dbName: string
  readonly revocationStatements: readonly string[]
}

/** What a lease remembers of its user. @throws {Refusal} 500: it is none of ours. */
function leaseOf(secret: BackendSecret | undefined): Lease {
  const data = secret === undefined ? undefined : parseObjectText(secret.internalData)
  if (secret === undefined || !isJsonObject(data) || data.secret_type !== SECRET_TYPE)
    throw fail('secret is unsupported by this backend')
  const { username, role, db_name: dbName, revocation_statements: statements } = data
  if (typeof username !== 'string' || username === '') throw fail('secret is missing username internal data')
  if (typeof role !== 'string' || typeof dbName !== 'string') throw fail('secret is missing role internal data')
  const revocationStatements = Array.isArray(statements) ? statements.filter((text) => typeof text === 'string') : []
  return { secret, username, role, dbName, revocationStatements }
}
