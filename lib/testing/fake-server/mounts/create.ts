import { randomBytes } from 'node:crypto'
import type { JsonObject } from '../../../model/json.ts'
import type { Backend, FakeMount } from '../backend.ts'
import { Refusal } from '../exchange.ts'
import { createAppRole } from './app-role.ts'
import { createDatabase } from './database.ts'
import { createKv1 } from './kv1.ts'
import { createKv2 } from './kv2.ts'
import { createPki } from './pki.ts'
import { createTransit } from './transit.ts'
import { createUserpass } from './userpass.ts'

/** A new mount of a type that a server knows. @throws {Refusal} 400 for any other. */
export function createMount(path: string, type: string, options: JsonObject): FakeMount {
  const make = path.startsWith('auth/') ? AUTH_METHODS[type] : SECRETS_ENGINES[type]
  if (make === undefined) throw new Refusal(400, `plugin not found in the catalog: ${type}`)
  const settings = Object.fromEntries(Object.entries(options).map(([name, value]) => [name, String(value)]))
  const known = type === 'kv-v2' ? { ...settings, version: '2' } : settings
  const accessor = `${type}_${randomBytes(4).toString('hex')}`
  return { path, type: type === 'kv-v2' ? 'kv' : type, accessor, options: known, backend: make(known) }
}

type Make = (options: Readonly<Record<string, string>>) => Backend

const SECRETS_ENGINES: Readonly<Record<string, Make>> = {
  kv: (options) =>
    options.version === '2' ? createKv2() : createKv1({ leased: options.leased_passthrough === 'true' }),
  'kv-v2': createKv2,
  database: createDatabase,
  transit: createTransit,
  pki: createPki,
}

const AUTH_METHODS: Readonly<Record<string, Make>> = {
  approle: createAppRole,
  userpass: createUserpass,
  ldap: createUserpass,
}

/** A mount that every server has. */
export function builtIn(path: string, type: string, backend: Backend): FakeMount {
  return { path, type, accessor: `${type}_${randomBytes(4).toString('hex')}`, options: {}, backend }
}
