import type { TestContext } from 'node:test'
import { PluginError } from '../../../lib/errors/index.ts'
import type { Backend, MountFacts, SystemView } from '../../../lib/model/backend.ts'
import type { OpenDriver } from '../../../lib/plugin-host/database/context.ts'
import { databaseEngine } from '../../../lib/plugin-host/database/engine.ts'
import { memory } from '../../../lib/plugin-host/storage/memory.ts'
import type { Clock } from '../../../lib/ports/clock.ts'
import { type Diagnostics, NO_DIAGNOSTICS } from '../../../lib/ports/diagnostics.ts'
import type { Store } from '../../../lib/ports/store.ts'
import { FakeClock, fixedRandom } from '../../../lib/testing/index.ts'
import { FakeDatabase } from './fake-database.ts'
import { type Mounted, mounted } from './served.ts'

export const HOUR_MS = 3_600_000

export const DATABASE_MOUNT: MountFacts = {
  path: 'database/',
  type: 'secret',
  pluginName: 'database',
  pluginVersion: '',
  backendUuid: 'u',
  options: {},
}

export const VIEW: SystemView = {
  defaultLeaseTtlMs: 768 * HOUR_MS,
  maxLeaseTtlMs: 768 * HOUR_MS,
  tainted: false,
  clusterId: '',
  wrap: () => Promise.reject(new Error('not here')),
  entity: async () => undefined,
  async password(policy): Promise<string> {
    if (policy !== 'abc') throw new PluginError('ERR_PORTCULLIS_PLUGIN_UNKNOWN', 'no such policy')
    return 'abcabcabc'
  },
}

/** What one engine under test is made of. */
export interface Bench extends Mounted {
  readonly clock: FakeClock
  readonly database: FakeDatabase
  readonly store: Store
  readonly backend: Backend
  readonly warnings: readonly string[]
  /** Another engine on the same storage and database, as after a restart. */
  again(): Promise<Bench>
}

interface Parts {
  readonly clock: FakeClock
  readonly database: FakeDatabase
  readonly store: Store
}

const SALT = { n: 0 }

/** An engine with the connection `main` to a database in memory, and the role `app`. */
export async function bench(t: TestContext): Promise<Bench> {
  const parts = { clock: new FakeClock(), database: new FakeDatabase(), store: await memory().open() }
  const made = await open(t, parts)
  await made.call('POST', 'config/main', CONFIG)
  await made.call('POST', 'roles/app', ROLE)
  return made
}

export const CONFIG: object = { plugin_name: 'fake', allowed_roles: '*', username: 'root', password: 'root-password' }
export const ROLE: object = {
  db_name: 'main',
  creation_statements: ['create'],
  revocation_statements: ['drop'],
  rollback_statements: ['undo'],
  renew_statements: ['renew'],
  default_ttl: '1h',
  max_ttl: '2h',
}

async function open(t: TestContext, parts: Parts): Promise<Bench> {
  const { clock, database, store } = parts
  const warnings: string[] = []
  const diagnostics: Diagnostics = {
    warn: (message: string, fields?: object) => void warnings.push(`${message} ${JSON.stringify(fields)}`),
  }
  const backend = await openEngine(clock, store, database, diagnostics)
  t.after(() => backend.close())
  return {
    ...mounted(backend, () => clock.wallTime()),
    ...parts,
    backend,
    warnings,
    again: () => open(t, parts),
  }
}

export async function openEngine(
  clock: Clock,
  store: Store,
  database: FakeDatabase,
  diagnostics: Diagnostics = NO_DIAGNOSTICS,
  openDriver: OpenDriver = async (name) => {
    if (name !== 'fake') throw new PluginError('ERR_PORTCULLIS_PLUGIN_UNKNOWN', 'no such plugin')
    return database.driver()
  },
): Promise<Backend> {
  SALT.n += 1
  const engine = databaseEngine({ clock, random: fixedRandom(SALT.n), diagnostics, openDriver })
  return await engine(DATABASE_MOUNT, { storage: store, view: VIEW })
}
