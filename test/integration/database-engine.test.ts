import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PluginError } from '../../lib/errors/index.ts'
import type { BackendSecret, SystemView } from '../../lib/model/backend.ts'
import { databaseEngine } from '../../lib/plugin-host/database/engine.ts'
import { generatePassword } from '../../lib/plugin-host/database/password-policy.ts'
import { parsePasswordPolicy } from '../../lib/plugin-host/database/policy-document.ts'
import { memory } from '../../lib/plugin-host/storage/memory.ts'
import { systemClock } from '../../lib/system/clock.ts'
import { systemRandom } from '../../lib/system/random.ts'
import { DATABASE_MOUNT } from '../plugin-host/database/mount.ts'
import { postgresDriver } from '../plugin-host/database/postgres-driver.ts'
import { type Step, steps, USERS } from '../plugin-host/database/requests.ts'
import { mounted, type Served } from '../plugin-host/database/served.ts'
import { type Bao, startBao } from '../support/bao.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'

const skip = await realServersAbsent()
const POLICY = 'length = 12\nrule "charset" { charset = "abc" }'

/** One that answers steps: the real server, or our engine. */
interface Answerer {
  request(method: string, path: string, body?: object): Promise<Served>
  keep(lease: string): void
  renew(lease: string, incrementS?: number): Promise<Served>
  revoke(lease: string): Promise<Served>
  /** The user of a kept lease. */
  user(lease: string): string
}

/** Where we answer otherwise, and why. */
const DIFFERENT: Readonly<Record<string, string>> = {
  '["POST","roles/cc",{"db_name":"main","credential_type":"client_certificate"}]':
    'this host issues no client certificates, and says so; the server asks for a CA in the configuration',
}

test('the engine answers a script of requests as a real server does', { skip }, async (t) => {
  const [theirs, ours] = await Promise.all([server(t), engine(t)])
  const differences: string[] = []
  const theirSteps = steps(theirs.place)
  const ourSteps = steps(ours.place)
  for (const [index, step] of theirSteps.entries()) {
    const expected = await answered(theirs, step)
    const actual = await answered(ours, ourSteps[index] ?? step)
    if (JSON.stringify(actual) !== JSON.stringify(expected) && DIFFERENT[JSON.stringify(step)] === undefined)
      differences.push(
        `${index}: ${JSON.stringify(step)}\n  server ${JSON.stringify(expected)}\n  engine ${JSON.stringify(actual)}`,
      )
  }
  t.diagnostic(`${theirSteps.length} steps, ${differences.length} differ without a reason`)
  assert.deepEqual(differences, [])
})

interface Side extends Answerer {
  readonly place: { readonly port: number; readonly password: string }
  readonly postgres: Postgres
}

async function answered(side: Side, step: Step): Promise<unknown> {
  switch (step[0]) {
    case 'keep':
      return side.keep(String(step[1]))
    case 'renew':
      return steady(await side.renew(String(step[1]), step[2] as number | undefined), side)
    case 'revoke':
      return steady(await side.revoke(String(step[1])), side)
    case 'sql':
      await side.postgres.query(String(step[1]).replace(/\$(\w+)/g, (_, lease: string) => side.user(lease)))
      return undefined
    case 'sleep':
      return await sleep(Number(step[1]))
    default:
      return steady(await side.request(step[0], String(step[1]), step[2] as object | undefined), side)
  }
}

/** What differs from run to run, made the same: times, chance, ports and passwords. Keys in order. */
function steady(served: Served, { place }: Side): unknown {
  const text = JSON.stringify(served, (_, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
  return JSON.parse(
    text
      .replaceAll(String(place.port), 'PORT')
      .replaceAll(place.password, 'PASSWORD')
      .replace(/"last_vault_rotation":"[^"]+"/g, '"last_vault_rotation":"TIME"')
      .replace(/"password":"([^"]+)"/g, (_, password: string) => `"password":"${shapeOf(password)}"`)
      .replace(/v-token-([a-z]+)-[\w-]+/g, 'v-token-$1-X'),
  )
}

function shapeOf(password: string): string {
  if (/^[abc]{12}$/.test(password)) return 'by policy'
  return /^(?=.*[a-z])(?=.*[A-Z])(?=.*\d)(?=.*-)[A-Za-z\d-]{20}$/.test(password) ? 'by default' : password
}

async function place(t: TestContext): Promise<Pick<Side, 'place' | 'postgres'>> {
  const postgres = await startPostgres(t)
  for (const user of USERS) await postgres.query(`CREATE ROLE ${user} LOGIN SUPERUSER PASSWORD 'x'`)
  const password = decodeURIComponent(new URL(postgres.adminUrl).password)
  return { postgres, place: { port: postgres.port, password } }
}

async function server(t: TestContext): Promise<Side> {
  const [at, bao] = await Promise.all([place(t), startBao(t)])
  await bao.root('POST', 'sys/mounts/database', { type: 'database' })
  await bao.root('POST', 'sys/policies/password/abc', { policy: POLICY })
  const leases = new Map<string, { readonly id: string; readonly user: string }>()
  let last = { id: '', user: '' }
  const leaseCall = async (what: string, lease: string, more: object): Promise<Served> =>
    fromServer(
      await bao.call(bao.rootToken, 'POST', `sys/leases/${what}`, { lease_id: leases.get(lease)?.id, ...more }),
    )
  return {
    ...at,
    async request(method, path, body): Promise<Served> {
      const headers = method === 'PATCH' ? { 'content-type': 'application/merge-patch+json' } : {}
      const answer = await bao.call(bao.rootToken, method, `database/${path}`, body, headers)
      if (answer.body?.lease_id) last = { id: answer.body.lease_id, user: answer.body.data.username }
      return fromServer(answer)
    },
    keep: (lease) => void leases.set(lease, last),
    renew: (lease, increment = 0) => leaseCall('renew', lease, { increment }),
    revoke: (lease) => leaseCall('revoke', lease, { sync: true }),
    user: (lease) => leases.get(lease)?.user ?? '',
  }
}

function fromServer({ status, body }: Awaited<ReturnType<Bao['call']>>): Served {
  const isError = status >= 400
  const lease = typeof body?.lease_id === 'string' && body.lease_id !== '' ? { renewable: body.renewable } : undefined
  // How a TTL is capped, and told to be, is the router's.
  const warnings = (body?.warnings ?? []).filter((warning: string) => !warning.startsWith('TTL of'))
  return {
    status,
    data: isError ? null : (body?.data ?? null),
    warnings: isError || warnings.length === 0 ? null : warnings,
    errors: isError ? body.errors : undefined,
    lease,
  }
}

async function engine(t: TestContext): Promise<Side> {
  const at = await place(t)
  const view: SystemView = {
    defaultLeaseTtlMs: 768 * 3_600_000,
    maxLeaseTtlMs: 768 * 3_600_000,
    tainted: false,
    clusterId: '',
    wrap: () => Promise.reject(new Error('not here')),
    entity: async () => undefined,
    async password(policy): Promise<string> {
      if (policy !== 'abc') throw new PluginError('ERR_PORTCULLIS_PLUGIN_UNKNOWN', 'no such policy')
      return generatePassword(parsePasswordPolicy(POLICY), systemRandom)
    },
  }
  const open = databaseEngine({
    clock: systemClock,
    random: systemRandom,
    async openDriver(name, version) {
      if (name !== 'postgresql-database-plugin' || version !== '')
        throw new PluginError('ERR_PORTCULLIS_PLUGIN_UNKNOWN', 'no such plugin')
      return postgresDriver()
    },
  })
  const backend = await open(DATABASE_MOUNT, { storage: await memory().open(), view })
  t.after(() => backend.close())
  const engine = mounted(backend, () => Date.now())
  const leases = new Map<string, BackendSecret>()
  const secretOf = (lease: string): BackendSecret => leases.get(lease) ?? engine.secret()
  return {
    ...at,
    request: (method, path, body) => engine.call(method, path, body),
    keep: (lease) => void leases.set(lease, engine.secret()),
    renew: (lease, incrementS) => engine.renew(secretOf(lease), incrementS),
    revoke: (lease) => engine.revoke(secretOf(lease)),
    user: (lease) => JSON.parse(secretOf(lease).internalData).username,
  }
}
