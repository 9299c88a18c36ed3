import type { Bao } from '../support/bao.ts'
import type { Postgres } from '../support/postgres.ts'

/** What an operator does and sees at the servers themselves, past the gateway: the demo's witness. */
export interface Operator {
  /** Where PostgreSQL listens. */
  readonly database: { readonly host: string; readonly port: number; readonly database: string }
  /** What PostgreSQL says of someone who logs in. */
  whoAmI(username: string, password: string): Promise<string>
  /** Does PostgreSQL refuse this login? */
  isRefused(username: string, password: string): Promise<boolean>
  /** Users of `role` that PostgreSQL knows at the moment. */
  users(role: string): Promise<number>
  /** Leases on `database/creds/ROLE` at the server. */
  leases(role: string): Promise<number>
  /** Revokes every token that an AppRole login gave; their number. */
  revokeTokens(): Promise<number>
}

export function createOperator(bao: Bao, postgres: Postgres): Operator {
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
      const users = await postgres.query('select 1 from pg_roles where rolname like $1', [`v-approle-${role}-%`])
      return users.length
    },
    async leases(role): Promise<number> {
      const listed = await bao.call(bao.rootToken, 'GET', `sys/leases/lookup/database/creds/${role}?list=true`)
      return listed.body?.data?.keys?.length ?? 0
    },
    revokeTokens: () => revokeTokens(bao),
  }
}

async function revokeTokens(bao: Bao): Promise<number> {
  const { body } = await bao.root('GET', 'auth/token/accessors?list=true')
  let revoked = 0
  for (const accessor of body.data.keys) {
    const found = await bao.root('POST', 'auth/token/lookup-accessor', { accessor })
    if (found.body.data.path !== 'auth/approle/login') continue
    await bao.root('POST', 'auth/token/revoke-accessor', { accessor })
    revoked += 1
  }
  return revoked
}

/** 28P01: invalid_password, 28000: invalid_authorization_specification. */
function isLoginRefusal(error: unknown): boolean {
  if (error instanceof Error && 'code' in error && (error.code === '28P01' || error.code === '28000')) return true
  throw error
}
