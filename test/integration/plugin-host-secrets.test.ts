import assert from 'node:assert/strict'
import { mkdtempSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { inspect } from 'node:util'
import { logs, metrics, trace } from '@opentelemetry/api'
import { InMemoryLogRecordExporter, LoggerProvider, SimpleLogRecordProcessor } from '@opentelemetry/sdk-logs'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { InMemorySpanExporter, SimpleSpanProcessor, TracerProvider } from '@opentelemetry/sdk-trace'
import { type AuditEntry, callback, createGateway, type Gateway, otel } from 'portcullis'
import { lmdb, postgres, rootKeyOf, type StorageDriver } from 'portcullis/plugin-host'
import { findPlanted, plantSecrets, plantTokens } from 'portcullis/testing'
import { unseal } from '../../lib/model/sealed.ts'
import { tokenOf } from '../plugin-host/router/world.ts'
import { goPlugin, KV_PLUGIN } from '../support/go-plugins.ts'
import { type Postgres, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { sha256Of } from '../support/sha256.ts'
import { startHost } from './plugin-host-world.ts'

const skip = await realServersAbsent()
const CREATE = `CREATE ROLE "{{name}}" LOGIN PASSWORD '{{password}}' VALID UNTIL '{{expiration}}'`

/** Where a host keeps what it has, and all the bytes of that. */
interface Kept {
  readonly name: string
  driver(postgres: Postgres, folder: string): StorageDriver
  bytes(postgres: Postgres, folder: string): Promise<unknown>
}

const KEPT: readonly Kept[] = [
  {
    name: 'LMDB',
    driver: (_, folder) => lmdb(join(folder, 'storage')),
    bytes: async (_, folder) => filesBelow(join(folder, 'storage')),
  },
  {
    name: 'PostgreSQL',
    driver: (database) => postgres({ connectionString: database.adminUrl, table: 'host' }),
    bytes: (database) => database.query('SELECT key, value FROM host'),
  },
]

for (const kept of KEPT) {
  test(`planted secrets are in nothing that a host on ${kept.name} emits or leaves lying about`, {
    skip,
  }, async (t) => {
    const folder = mkdtempSync(join(tmpdir(), 'scan-'))
    t.after(() => rmSync(folder, { recursive: true, force: true }))
    const command = await goPlugin(t, KV_PLUGIN)
    const database = await startPostgres(t)
    const seen: unknown[] = []
    const output = listenToOutput(t)
    const exported = registerOtel(t)
    const entries: AuditEntry[] = []
    const entrySecret = plantTokens(['entry'])
    const values = plantSecrets(['goKv', 'kv1', 'kv2', 'custom', 'plaintext', 'refused', 'wrapped'])
    const passwords = plantTokens(['manager', 'wrong', 'badToken'])
    const rootKey = crypto.getRandomValues(new Uint8Array(32))
    const it = await startHost(
      t,
      {
        processes: {
          folder: join(folder, 'run'),
          onLog: (entry) => void seen.push(entry),
          diagnostics: { warn: (message, fields) => void seen.push(message, fields) },
        },
        plugins: [
          { name: 'go-kv', type: 'secret', command, sha256: sha256Of(command), env: [`PLANTED=${entrySecret.entry}`] },
        ],
        mounts: {
          go: { type: 'go-kv' },
          kv1: { type: 'kv' },
          kv2: { type: 'kv', options: { version: '2' } },
          transit: { type: 'transit' },
          db: { type: 'database' },
        },
      },
      { driver: kept.driver(database, folder), rootKey: rootKeyOf(rootKey) },
    )
    const gateway = await createGateway({
      server: it.host.shared(),
      auth: it.host.operatorAuth(),
      dangerouslyAllowEverything: true,
      audit: { devices: [otel(), callback('memory', (entry) => void entries.push(entry as AuditEntry))] },
    })
    t.after(() => gateway.close())
    for (const event of ['denied', 'login', 'loginFailed', 'leaked', 'warning'] as const)
      gateway.on(event, (told: unknown) => void seen.push(told))
    const found = await exercise({ gateway, database, values, passwords, seen })
    const secrets = {
      ...{ ...values, ...passwords, ...found },
      gatewayToken: unseal(await tokenOf(it.host.auth())),
      operatorToken: unseal(await tokenOf(it.host.operatorAuth())),
      rootKey: Buffer.from(rootKey).toString('base64'),
      rootKeyHex: Buffer.from(rootKey).toString('hex'),
    }
    assert.ok(seen.filter((value) => value instanceof Error).length >= 8, 'errors were met')

    // The processes live: what they were started with, and the folders of the host.
    const processes = pluginProcesses()
    assert.ok(processes.length >= 3, `${processes.length} plugin processes`)
    const starts = processes.map(({ environ, cmdline }) => [environ, cmdline])
    const isOfEntry = processes.filter(({ environ }) => environ.includes(entrySecret.entry))
    assert.equal(isOfEntry.length, 1, 'what an entry says reaches its own process')
    assert.deepEqual(findPlanted(starts, secrets), [])
    const lying = [filesBelow(join(folder, 'run')), ...processes.map(({ cwd }) => filesBelow(join(cwd, '..')))]
    const shown = [it.host, it.storage, gateway, it.host.operator, ...seen].map((value) =>
      value instanceof Error ? value : [inspect(value, { depth: Infinity, showHidden: true }), JSON.stringify(value)],
    )
    const emitted = await exported()
    const all = { ...secrets, ...entrySecret }
    assert.deepEqual(findPlanted({ shown, output, emitted, entries, events: it.events, lying }, all), [])
    const bytes = await kept.bytes(database, folder)
    assert.deepEqual(findPlanted(bytes, all), [])
    assert.deepEqual(findPlanted(database.log(), all), [], 'the log of the database')
    await gateway.close()
    await it.host.close()
    assert.deepEqual(findPlanted({ output, lying: filesBelow(join(folder, 'run')) }, all), [])
    t.diagnostic(
      `${Object.keys(all).length} secrets, ${entries.length} entries, ${seen.length} things seen, ${processes.length} processes`,
    )
  })
}

interface Parts {
  readonly gateway: Gateway
  readonly database: Postgres
  readonly values: Readonly<Record<'goKv' | 'kv1' | 'kv2' | 'custom' | 'plaintext' | 'refused' | 'wrapped', string>>
  readonly passwords: Readonly<Record<'manager' | 'wrong' | 'badToken', string>>
  readonly seen: unknown[]
}

/** Uses and misuses every engine. @returns secrets that were made on the way. */
async function exercise({ gateway, database, values, passwords, seen }: Parts): Promise<Record<string, string>> {
  const fails = async (call: Promise<unknown>): Promise<void> => {
    seen.push(
      await call.then(
        () => assert.fail('it was to fail'),
        (error: unknown) => error,
      ),
    )
  }
  await gateway.write('go/app', { password: values.goKv })
  assert.equal((await gateway.read('go/app')).data.password, values.goKv)
  await gateway.write('kv1/app', { password: values.kv1 })
  await gateway.write('kv2/data/app', { data: { password: values.kv2 } })
  await gateway.write('kv2/metadata/app', { custom_metadata: { note: values.custom } })
  assert.equal((await gateway.kv('kv2').read<{ password: string }>('app')).value?.password, values.kv2)
  await fails(gateway.write('kv2/data/app', { data: { password: values.refused }, options: { cas: 77 } }))
  await fails(gateway.write('kv2/data/app', { data: values.refused }))
  await fails(gateway.write('kv2/metadata/app', { max_versions: values.refused }))
  await fails(gateway.read(`go/${'none'}`))
  await fails(gateway.write('go/app/', { password: values.refused }))

  await gateway.write('transit/keys/k', { exportable: true, derived: false })
  const plaintext = Buffer.from(values.plaintext).toString('base64')
  const { data: sealed } = await gateway.write('transit/encrypt/k', { plaintext })
  await gateway.write('transit/decrypt/k', { ciphertext: sealed.ciphertext })
  await fails(gateway.write('transit/encrypt/k', { plaintext: values.refused }))
  await fails(gateway.write('transit/decrypt/k', { ciphertext: values.refused }))
  await fails(gateway.write('transit/keys/other', { type: values.refused }))
  const { data: exportedKeys } = await gateway.read('transit/export/encryption-key/k')

  await database.query(`CREATE ROLE manager LOGIN SUPERUSER PASSWORD '${passwords.manager}'`)
  const config = {
    plugin_name: 'postgresql-database-plugin',
    allowed_roles: ['app', 'broken', 'kept'],
    connection_url: `postgresql://{{username}}:{{password}}@127.0.0.1:${database.port}/postgres?sslmode=disable`,
    username: 'manager',
  }
  await fails(gateway.write('db/config/main', { ...config, password: passwords.wrong }))
  await gateway.write('db/config/main', { ...config, password: passwords.manager })
  await gateway.write('db/roles/app', { db_name: 'main', creation_statements: [CREATE], default_ttl: '1h' })
  const broken = [`CREATE NONSENSE '{{password}}'`]
  await gateway.write('db/roles/broken', { db_name: 'main', creation_statements: broken, default_ttl: '1h' })
  const { data: user, leaseId } = await gateway.read('db/creds/app')
  await fails(gateway.read('db/creds/broken'))
  await gateway.write('sys/leases/renew', { lease_id: leaseId })
  await database.query('CREATE ROLE kept LOGIN')
  await gateway.write('db/static-roles/kept', { db_name: 'main', username: 'kept', rotation_period: '1h' })
  const { data: kept } = await gateway.read('db/static-creds/kept')
  await gateway.write('db/rotate-root/main', {})
  const { data: later } = await gateway.read('db/static-creds/kept')
  await gateway.write('db/rotate-role/kept', {})
  const { data: rotated } = await gateway.read('db/static-creds/kept')
  assert.notEqual(rotated.password, later.password)

  const child = await gateway.write('auth/token/create', { policies: ['x'], ttl: '1h' })
  const wrapped = await gateway.write('sys/wrapping/wrap', { secret: values.wrapped }, { wrapTtlMs: 60_000 })
  await fails(gateway.unwrap(passwords.badToken))
  await fails(gateway.as({ user: 'x' }, { token: passwords.badToken }).read('kv1/app'))
  await fails(gateway.write('sys/mounts/nothing', { type: values.refused }))
  await fails(
    gateway.write('sys/plugins/catalog/secret/nothing', {
      sha256: values.refused,
      command: 'x',
      env: [`A=${values.refused}`],
    }),
  )
  return {
    userPassword: String(user.password),
    keptPassword: String(kept.password),
    rotatedPassword: String(rotated.password),
    transitKey: String((exportedKeys.keys as Record<string, string>)['1']),
    wrapping: wrapped.wrapped?.token ?? 'no wrapping token',
    childToken: child.auth?.token ?? 'no child token',
    childAccessor: child.auth?.accessor ?? 'no child accessor',
  }
}

interface PluginFacts {
  readonly environ: string
  readonly cmdline: string
  readonly cwd: string
}

/** Plugin processes of this test: by their parent, or a guard between. */
function pluginProcesses(): readonly PluginFacts[] {
  return readdirSync('/proc').flatMap((pid) => {
    if (!/^\d+$/.test(pid)) return []
    try {
      const environ = readFileSync(`/proc/${pid}/environ`, 'latin1')
      const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
      if (parent !== process.pid || !environ.includes('PLUGIN_UNIX_SOCKET_DIR=')) return []
      const cmdline = readFileSync(`/proc/${pid}/cmdline`, 'latin1')
      return [{ environ, cmdline, cwd: readlinkSync(`/proc/${pid}/cwd`) }]
    } catch {
      return []
    }
  })
}

/** Names and contents of all files below `folder`. */
function filesBelow(folder: string): readonly unknown[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).map((name) => {
    const path = join(folder, name)
    const stats = statSync(path, { throwIfNoEntry: false })
    // The copies of plugins are what was registered, of many megabytes.
    return stats?.isFile() === true && stats.size < 64 * 2 ** 20 && !path.includes('artefacts')
      ? [name, readFileSync(path)]
      : [name]
  })
}

/** What is written to standard output and error, by anyone. */
function listenToOutput(t: TestContext): string[] {
  const written: string[] = []
  for (const stream of [process.stdout, process.stderr]) {
    const write = stream.write
    stream.write = ((chunk: string | Uint8Array, ...rest: []) => {
      written.push(String(chunk))
      return write.call(stream, chunk, ...rest)
    }) as typeof stream.write
    t.after(() => {
      stream.write = write
    })
  }
  return written
}

function registerOtel(t: TestContext): () => Promise<unknown[]> {
  const spans = new InMemorySpanExporter()
  const records = new InMemoryLogRecordExporter()
  const points = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: points, exportIntervalMillis: 3_600_000 })
  trace.setGlobalTracerProvider(new TracerProvider({ spanProcessors: [new SimpleSpanProcessor({ exporter: spans })] }))
  logs.setGlobalLoggerProvider(
    new LoggerProvider({ processors: [new SimpleLogRecordProcessor({ exporter: records })] }),
  )
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
  t.after(async () => {
    await reader.shutdown()
    for (const api of [trace, logs, metrics]) api.disable()
  })
  return async () => {
    await reader.forceFlush()
    const emitted = [spans.getFinishedSpans(), records.getFinishedLogRecords(), points.getMetrics()]
    assert.ok(
      emitted.every(({ length }) => length > 0),
      'each signal was emitted',
    )
    return emitted.flat()
  }
}
