import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { appRole, createGateway, file, type Gateway, token } from 'portcullis'
import { type Bao, launchBao } from '../../support/bao.ts'
import { BAO_VERSION } from '../../support/bao-program.ts'
import type { Postgres } from '../../support/postgres.ts'
import { createOperator } from '../operator.ts'
import { setUp } from './set-up.ts'
import type { World } from './world.ts'

/** The demo on a real OpenBao: mounts, an ACL policy, and an AppRole for the service. */
export async function onServer(folder: string, postgres: Postgres): Promise<World> {
  const bao = await launchBao()
  try {
    const operator = await createGateway({
      server: { address: bao.address },
      auth: token({ token: bao.rootToken }),
      dangerouslyAllowEverything: true,
      audit: { devices: [file(join(folder, 'operator.jsonl'))] },
    })
    const roleId = await enable(operator, folder)
    await setUp(operator, postgres)
    return worldOf(bao, operator, roleId, { folder, postgres })
  } catch (error) {
    await bao.stop()
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

/** Gives the role id; the secret id lies in a file. */
async function enable(operator: Gateway, folder: string): Promise<string> {
  await operator.write('sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  await operator.write('sys/mounts/transit', { type: 'transit' })
  await operator.write('sys/mounts/database', { type: 'database' })
  await operator.write('sys/policies/acl/orders', { policy: ACL })
  await operator.write('sys/auth/approle', { type: 'approle' })
  await operator.write('auth/approle/role/orders', { token_policies: ['orders'], token_ttl: '1h' })
  const role = await operator.read<{ role_id: string }>('auth/approle/role/orders/role-id')
  const secret = await operator.write<{ secret_id: string }>('auth/approle/role/orders/secret-id')
  writeFileSync(join(folder, 'secret-id'), secret.data.secret_id, { mode: 0o600 })
  return role.data.role_id
}

function worldOf(
  bao: Bao,
  operator: Gateway,
  roleId: string,
  { folder, postgres }: { readonly folder: string; readonly postgres: Postgres },
): World {
  return {
    place: 'server',
    runs: `OpenBao ${BAO_VERSION}`,
    access: {
      server: { address: bao.address },
      auth: appRole({ roleId, secretIdFile: join(folder, 'secret-id') }),
    },
    logsIn: 'AppRole: the first call logs in; nobody in the service ever sees the token.',
    operator: createOperator(operator, postgres, 'approle'),
    scenes: [],
    afterwards: async () => undefined,
    async close(): Promise<void> {
      await operator.close()
      await bao.stop()
    },
  }
}
