export type { CredentialType, DatabaseDriver, NewUser, UpdateUser } from '../../model/database.ts'
