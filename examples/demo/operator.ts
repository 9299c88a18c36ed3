import type { Gateway } from 'portcullis'
import type { Postgres } from '../support/postgres.ts'

/** What an operator does and sees, past the service's gateway: the demo's witness. */
export interface Operator {
  /** Where PostgreSQL listens. */
  readonly database: { readonly host: string; readonly port: number; readonly database: string }
  /** What PostgreSQL says of someone who logs in. */
  whoAmI(username: string, password: string): Promise<string>
  /** Does PostgreSQL refuse this login? */
  isRefused(username: string, password: string): Promise<boolean>
  /** Users of `role` that PostgreSQL knows at the moment. */
  users(role: string): Promise<number>
  /** Leases on `database/creds/ROLE`. */
  leases(role: string): Promise<number>
  /** Revokes every token of the service; their number. */
  revokeTokens(): Promise<number>
}

/**
 * @param gateway - An operator's own: everything is allowed there.
 * @param service - Display name of the service's tokens, which stands in the names of their database users too.
 */
export function createOperator(gateway: Gateway, postgres: Postgres, service: string): Operator {
  const whoAmI = async (username: string, password: string): Promise<string> => {
    const client = await postgres.connect(username, password)
    try {
      const { rows } = await client.query('select current_user as me')
      return `you are ${rows[0]?.me}`
    } finally {
      await client.end()
    }
  }
  return {
    database: { host: '127.0.0.1', port: postgres.port, database: 'postgres' },
    whoAmI,
    isRefused: (username, password) =>
      whoAmI(username, password).then(
        () => false,
        (error: unknown) => isLoginRefusal(error),
      ),
    async users(role): Promise<number> {
      const users = await postgres.query('select 1 from pg_roles where rolname like $1', [`v-${service}-${role}-%`])
      return users.length
    },
    async leases(role): Promise<number> {
      const listed = await gateway.list<{ keys: string[] }>(`sys/leases/lookup/database/creds/${role}`)
      return listed.data.keys.length
    },
    revokeTokens: () => revokeTokens(gateway, service),
  }
}

async function revokeTokens(gateway: Gateway, service: string): Promise<number> {
  const { data } = await gateway.list<{ keys: string[] }>('auth/token/accessors')
  let revoked = 0
  for (const accessor of data.keys) {
    const found = await gateway.write<{ display_name: string }>('auth/token/lookup-accessor', { accessor })
    if (found.data.display_name !== service) continue
    await gateway.write('auth/token/revoke-accessor', { accessor })
    revoked += 1
  }
  return revoked
}

/** 28P01: invalid_password, 28000: invalid_authorization_specification, 42704: dropped right after its login. */
const REFUSALS: readonly unknown[] = ['28P01', '28000', '42704']

function isLoginRefusal(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && REFUSALS.includes(error.code)) return true
  throw error
}
