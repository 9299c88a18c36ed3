import type { CredentialType, NewUser, UpdateUser } from '../../model/database.ts'
import type { NewUserRequest, Statements, UpdateUserRequest } from './gen/database.ts'
import { momentFromWire, momentToWire } from './units.ts'

const CREDENTIAL_TYPES: readonly CredentialType[] = ['password', 'rsa_private_key', 'client_certificate']

export function newUserToWire(user: NewUser): NewUserRequest {
  return {
    usernameConfig: { displayName: user.displayName, roleName: user.roleName },
    password: user.password,
    expiration: momentToWire(user.expiresAtMs),
    statements: statementsToWire(user.statements),
    rollbackStatements: statementsToWire(user.rollbackStatements),
    credentialType: CREDENTIAL_TYPES.indexOf(user.credentialType),
    publicKey: Buffer.from(user.publicKey),
    subject: user.subject,
  }
}

/** `undefined` for a request that names no user or a credential we do not know. Without expiration a user never ends. */
export function newUserFromWire(request: NewUserRequest): NewUser | undefined {
  const credentialType = CREDENTIAL_TYPES[request.credentialType]
  if (request.usernameConfig === undefined || credentialType === undefined) return undefined
  return {
    ...request.usernameConfig,
    credentialType,
    password: request.password,
    publicKey: textOf(request.publicKey),
    subject: request.subject,
    expiresAtMs: momentFromWire(request.expiration) ?? Number.POSITIVE_INFINITY,
    statements: request.statements?.Commands ?? [],
    rollbackStatements: request.rollbackStatements?.Commands ?? [],
  }
}

export function updateUserToWire({ password, publicKey, expiration, ...user }: UpdateUser): UpdateUserRequest {
  return {
    username: user.username,
    password: password && { newPassword: password.value, statements: statementsToWire(password.statements) },
    expiration: expiration && {
      newExpiration: momentToWire(expiration.atMs),
      statements: statementsToWire(expiration.statements),
    },
    publicKey: publicKey && {
      newPublicKey: Buffer.from(publicKey.value),
      statements: statementsToWire(publicKey.statements),
    },
    credentialType: CREDENTIAL_TYPES.indexOf(user.credentialType),
    selfManagedPassword: '',
  }
}

/** `undefined` for a credential we do not know. */
export function updateUserFromWire({
  password,
  publicKey,
  expiration,
  ...request
}: UpdateUserRequest): UpdateUser | undefined {
  const credentialType = CREDENTIAL_TYPES[request.credentialType]
  if (credentialType === undefined) return undefined
  const commands = (statements: Statements | undefined): readonly string[] => statements?.Commands ?? []
  return {
    username: request.username,
    credentialType,
    ...(password && { password: { value: password.newPassword, statements: commands(password.statements) } }),
    ...(publicKey && {
      publicKey: { value: textOf(publicKey.newPublicKey), statements: commands(publicKey.statements) },
    }),
    ...(expiration && {
      expiration: {
        atMs: momentFromWire(expiration.newExpiration) ?? Number.POSITIVE_INFINITY,
        statements: commands(expiration.statements),
      },
    }),
  }
}

function statementsToWire(commands: readonly string[]): Statements {
  return { Commands: [...commands] }
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8')
}
