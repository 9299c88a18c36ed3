import { type Bao, launchBao } from '../support/bao.ts'
import { BAO_VERSION } from '../support/bao-program.ts'
import { enableDatabase, launchPostgres, type Postgres } from '../support/postgres.ts'
import { createOperator, type Operator } from './operator.ts'

/** The servers of the demo, set up as an operator would: mounts, an ACL policy, an AppRole for the service. */
export interface Servers {
  readonly address: string
  readonly versions: string
  readonly roleId: string
  readonly secretId: string
  readonly operator: Operator
  stop(): Promise<void>
}

export async function startServers(): Promise<Servers> {
  const bao = await launchBao()
  let postgres: Postgres | undefined
  try {
    postgres = await launchPostgres()
    await setUp(bao, postgres)
    return await servers(bao, postgres)
  } catch (error) {
    await Promise.allSettled([bao.stop(), postgres?.stop()])
    throw error
  }
}

/** The last line lets the service give back what it no longer needs; without it, leases are left to lapse. */
const ACL = `
path "kv/data/*"                { capabilities = ["read"] }
path "database/creds/*"         { capabilities = ["read"] }
path "transit/encrypt/cards"    { capabilities = ["update"] }
path "sys/leases/revoke"        { capabilities = ["update"] }
`

async function setUp(bao: Bao, postgres: Postgres): Promise<void> {
  await bao.root('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  await bao.root('POST', 'kv/data/orders/theme', { data: { color: 'green' } })
  await bao.root('POST', 'kv/data/payroll/salaries', { data: { everyone: 'much' } })
  await bao.root('POST', 'sys/mounts/transit', { type: 'transit' })
  await bao.root('POST', 'transit/keys/cards')
  await enableDatabase(bao, postgres, { role: 'orders', ttl: '10m', maxTtl: '1h' })
  await enableDatabase(bao, postgres, { role: 'renewed', ttl: '3s', maxTtl: '1h' })
  await enableDatabase(bao, postgres, { role: 'rotated', ttl: '3s', maxTtl: '3s' })
  await bao.root('PUT', 'sys/policies/acl/orders', { policy: ACL })
  await bao.root('POST', 'sys/auth/approle', { type: 'approle' })
  await bao.root('POST', 'auth/approle/role/orders', { token_policies: ['orders'], token_ttl: '1h' })
}

async function servers(bao: Bao, postgres: Postgres): Promise<Servers> {
  const role = await bao.root('GET', 'auth/approle/role/orders/role-id')
  const secret = await bao.root('POST', 'auth/approle/role/orders/secret-id')
  const [version] = await postgres.query('show server_version')
  return {
    address: bao.address,
    versions: `OpenBao ${BAO_VERSION}, PostgreSQL ${String(version?.server_version).split(' ')[0]}`,
    roleId: role.body.data.role_id,
    secretId: secret.body.data.secret_id,
    operator: createOperator(bao, postgres),
    stop: async () => {
      await Promise.allSettled([bao.stop(), postgres.stop()])
    },
  }
}
