import assert from 'node:assert/strict'
import { copyFileSync, mkdtempSync, readdirSync, readlinkSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { PluginError } from '../../lib/errors/index.ts'
import { databaseEngine } from '../../lib/plugin-host/database/engine.ts'
import { memory } from '../../lib/plugin-host/storage/memory.ts'
import { systemClock } from '../../lib/system/clock.ts'
import { systemRandom } from '../../lib/system/random.ts'
import { type Elasticsearch, startElasticsearch } from '../plugin-host/database/elasticsearch.ts'
import { VIEW } from '../plugin-host/database/mount.ts'
import { mounted, type Served } from '../plugin-host/database/served.ts'
import { entryOf, mountOf, rig } from '../plugin-host/process/plugins-for-test.ts'
import { type Bao, startBao } from '../support/bao.ts'
import { ELASTICSEARCH_PLUGIN, goPlugin } from '../support/go-plugins.ts'
import { realServersAbsent } from '../support/real-servers.ts'

const skip = await realServersAbsent()
const ROOT = 'elastic-password'

/** A request, or what becomes of the last lease, or the status that the database answers with from now on. */
type Step =
  | readonly [method: string, path: string, body?: object]
  | readonly [what: 'renew' | 'revoke']
  | readonly [what: 'status', status: number]

interface Side {
  readonly database: Elasticsearch
  request(method: string, path: string, body?: object): Promise<Served>
  lease(what: 'renew' | 'revoke'): Promise<Served>
}

function stepsOn(url: string): readonly Step[] {
  const config = { plugin_name: 'es', allowed_roles: '*', url, username: 'elastic', password: ROOT }
  const creation_statements = '{"elasticsearch_role_definition": {"indices": [{"names":["*"], "privileges":["read"]}]}}'
  return [
    ['POST', 'config/e', { ...config, url: '' }],
    ['POST', 'config/e', { ...config, password: 'wrong' }],
    ['POST', 'config/e', { ...config, plugin_name: 'other' }],
    ['POST', 'config/e', { ...config, plugin_version: 'v1.0.0' }],
    ['POST', 'config/e', config],
    ['GET', 'config/e'],
    ['POST', 'roles/r', { db_name: 'e', creation_statements, default_ttl: '1h', max_ttl: '24h' }],
    ['GET', 'creds/r'],
    ['renew'],
    ['status', 403],
    ['GET', 'creds/r'],
    ['renew'],
    ['revoke'],
    ['POST', 'rotate-root/e'],
    ['POST', 'static-roles/s', { db_name: 'e', username: 'elastic', rotation_period: 60 }],
    ['GET', 'static-roles/s'],
    ['POST', 'reset/e'],
    ['status', 0],
    ['POST', 'reset/e'],
    ['revoke'],
    ['POST', 'rotate-root/e'],
    ['GET', 'creds/r'],
    ['revoke'],
    ['POST', 'static-roles/s', { db_name: 'e', username: 'nobody', rotation_period: 60 }],
    ['POST', 'config/two', { ...config, verify_connection: false }],
    ['POST', 'roles/two', { db_name: 'two', creation_statements }],
    ['GET', 'creds/two'],
    ['POST', 'reset/two'],
    ['GET', 'creds/two'],
    ['POST', 'roles/bad', { db_name: 'e', creation_statements: 'x' }],
    ['GET', 'creds/bad'],
    ['POST', 'roles/none', { db_name: 'e' }],
    ['GET', 'creds/none'],
    ['POST', 'roles/rsa', { db_name: 'e', creation_statements, credential_type: 'rsa_private_key' }],
    ['GET', 'creds/rsa'],
    ['DELETE', 'config/e'],
    ['GET', 'creds/r'],
  ]
}

test('with the Elasticsearch plugin of the field, the engine answers as a real server with the same one', {
  skip,
}, async (t) => {
  const program = await goPlugin(t, ELASTICSEARCH_PLUGIN)
  const [theirs, ours] = await Promise.all([onServer(t, program), onEngine(t, program)])
  const ourSteps = stepsOn(ours.database.url)
  const differences: string[] = []
  for (const [index, step] of stepsOn(theirs.database.url).entries()) {
    const expected = await answered(theirs, step)
    const actual = await answered(ours, ourSteps[index] ?? step)
    if (actual !== expected) differences.push(`${JSON.stringify(step)}\n  server ${expected}\n  engine ${actual}`)
  }
  assert.deepEqual(differences, [])
  assert.deepEqual(ours.database.seen, theirs.database.seen)
  assert.ok(ours.database.seen.length > 5)
})

test('after its process was killed a connection works again by itself, with the password of its last rotation', {
  skip: skip || (process.platform === 'linux' ? false : 'finds the process by /proc'),
}, async (t) => {
  const ours = await onEngine(t, await goPlugin(t, ELASTICSEARCH_PLUGIN))
  for (const [method, path, body] of stepsOn(ours.database.url).slice(4, 8) as [string, string, object][])
    assert.ok((await ours.request(method, path, body)).status < 300)
  assert.equal((await ours.request('POST', 'rotate-root/e')).status, 204)
  assert.equal((await ours.request('GET', 'creds/r')).status, 200)
  const pids = processesIn(ours.folder)
  assert.equal(pids.length, 1)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  const answers: number[] = []
  // The call that meets the death may fail; those after it may not.
  for (let call = 0; call < 3; call += 1) answers.push((await ours.request('GET', 'creds/r')).status)
  assert.deepEqual(answers.slice(1), [200, 200])
  assert.notDeepEqual(processesIn(ours.folder), pids)
})

/** Processes that run a program from below `folder`. */
function processesIn(folder: string): readonly number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  return pids.filter((pid) => programOf(pid).startsWith(folder)).map(Number)
}

function programOf(pid: string): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`)
  } catch {
    return ''
  }
}

async function answered(side: Side, step: Step): Promise<string> {
  const [what, path, body] = step
  if (what === 'status') {
    side.database.status = Number(path)
    return ''
  }
  const served =
    what === 'renew' || what === 'revoke'
      ? await side.lease(what)
      : await side.request(what, String(path), body as object)
  const text = JSON.stringify(served, (_, value) => {
    if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
    return Object.fromEntries(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)))
  })
  return text
    .replaceAll(String(side.database.port), 'PORT')
    .replace(/"password":"[\w-]{20}"/g, '"password":"X"')
    .replace(/v-token-([a-z]+)-\w+-\d+/g, 'v-token-$1-X')
}

async function onServer(t: TestContext, program: string): Promise<Side> {
  const folder = mkdtempSync(join(tmpdir(), 'plugins-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  copyFileSync(program, join(folder, 'es'))
  const database = await startElasticsearch(t, ROOT)
  const bao = await startBao(t, { config: `plugin_directory = "${folder}"` })
  await bao.root('POST', 'sys/plugins/catalog/database/es', { sha256: entryOf(program).sha256, command: 'es' })
  await bao.root('POST', 'sys/mounts/database', { type: 'database' })
  let last = ''
  return {
    database,
    async request(method, path, body): Promise<Served> {
      const answer = await bao.call(bao.rootToken, method, `database/${path}`, body)
      last = answer.body?.lease_id || last
      return fromServer(answer)
    },
    lease: async (what) =>
      fromServer(
        await bao.call(bao.rootToken, 'POST', `sys/leases/${what}`, {
          lease_id: last,
          ...(what === 'revoke' ? { sync: true } : {}),
        }),
      ),
  }
}

function fromServer({ status, body }: Awaited<ReturnType<Bao['call']>>): Served {
  const isError = status >= 400
  return {
    status,
    data: isError ? null : (body?.data ?? null),
    warnings: isError ? null : (body?.warnings ?? null),
    errors: isError ? body.errors : undefined,
    lease: body?.lease_id ? { renewable: body.renewable } : undefined,
  }
}

async function onEngine(t: TestContext, program: string): Promise<Side & { readonly folder: string }> {
  const database = await startElasticsearch(t, ROOT)
  const { plugins, folder } = rig(t)
  const entry = entryOf(program, { name: 'es', type: 'database' })
  const open = databaseEngine({
    clock: systemClock,
    random: systemRandom,
    openDriver(name, version) {
      if (name === 'es' && version === '') return plugins.database(entry)
      return Promise.reject(new PluginError('ERR_PORTCULLIS_PLUGIN_UNKNOWN', 'no such plugin'))
    },
  })
  const backend = await open(mountOf('database/'), { storage: await memory().open(), view: VIEW })
  t.after(() => backend.close())
  const engine = mounted(backend, () => Date.now())
  return {
    database,
    folder,
    request: (method, path, body) => engine.call(method, path, body),
    lease: (what) => engine[what](engine.secret()),
  }
}
