import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { callback, createGateway, type Gateway } from 'portcullis'
import { createPluginHost, type HostEvent, memory, type Store } from 'portcullis/plugin-host'
import { FakeClock } from 'portcullis/testing'
import { goPlugin, KUBERNETES_PLUGIN } from '../../support/go-plugins.ts'
import { type KubernetesApi, startKubernetesApi } from '../../support/kubernetes-api.ts'
import { sha256Of } from '../../support/sha256.ts'
import { until } from './until.ts'

const ALL = { policy: 'all', rules: [{ path: '*', operations: ['*'], effect: 'allow' }] }
/** More than the ten minutes for which the plugin leaves an entry of its write-ahead log alone. */
const AGE_S = 11 * 60

interface World {
  readonly clock: FakeClock
  readonly gateway: Gateway
  readonly api: KubernetesApi
  readonly store: Store
  readonly events: HostEvent[]
}

/** The Go kubernetes plugin behind a host whose clock stands still until told to move. */
async function world(t: TestContext): Promise<World> {
  const folder = mkdtempSync(join(tmpdir(), 'rollback-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const command = await goPlugin(t, KUBERNETES_PLUGIN)
  const api = await startKubernetesApi(t)
  const clock = new FakeClock()
  const store = await memory().open()
  const events: HostEvent[] = []
  const plugin = { name: 'kubernetes', type: 'secret', command, sha256: sha256Of(command) } as const
  const host = await createPluginHost(
    {
      storage: store,
      processes: { folder },
      plugins: [plugin],
      mounts: { k: { type: 'kubernetes' } },
      onEvent: (event) => void events.push(event),
    },
    { clock },
  )
  t.after(() => host.close())
  const gateway = await createGateway({
    server: host.shared(),
    policies: [ALL],
    audit: { devices: [callback('test', () => undefined)] },
  })
  t.after(() => gateway.close())
  await gateway.write('k/config', {
    kubernetes_host: api.address,
    service_account_jwt: 'a.b.c',
    disable_local_ca_jwt: true,
  })
  await gateway.write('k/roles/app', {
    allowed_kubernetes_namespaces: 'default',
    generated_role_rules: '{"rules":[{"apiGroups":[""],"resources":["pods"],"verbs":["list"]}]}',
  })
  return { clock, gateway, api, store, events }
}

/** Entries of write-ahead logs, with the keys that they stand under. */
async function logged(store: Store): Promise<readonly (readonly [key: string, entry: Record<string, unknown>])[]> {
  const found: (readonly [string, Record<string, unknown>])[] = []
  for (const mount of await store.list('logical/'))
    for (const name of await store.list(`logical/${mount}wal/`)) {
      const key = `logical/${mount}wal/${name}`
      found.push([key, JSON.parse(Buffer.from((await store.get(key)) ?? []).toString())])
    }
  return found
}

/** Plugins judge the age of an entry by a clock of their own: so the entry is made older. */
async function age(store: Store): Promise<void> {
  for (const [key, entry] of await logged(store)) {
    const value = Buffer.from(JSON.stringify({ ...entry, created_at: Number(entry.created_at) - AGE_S }))
    await store.write([{ key, value }])
  }
}

const deletions = ({ api }: World): number => api.log.filter((line) => line.startsWith('DELETE roles/')).length
/** Jitter included, each mount has had its turn. */
const TURN_MS = 70_000

async function failsHalfWay(it: World): Promise<void> {
  it.api.fail((_, path) => path.endsWith('/token'))
  await assert.rejects(it.gateway.write('k/creds/app', {}), { code: 'ERR_PORTCULLIS_SERVER_FAILED' })
  it.api.fail(() => false)
}

test('what a Go plugin made half of is undone by its write-ahead log, at the turn that the host gives it', async (t) => {
  const it = await world(t)
  const { clock, api, store, events } = it
  await failsHalfWay(it)
  assert.deepEqual(
    api.objects().map((name) => name.split('/')[0]),
    ['rolebindings', 'roles', 'serviceaccounts'],
  )
  const [, entry] = (await logged(store))[0] ?? []
  assert.equal(entry?.type, 'role')

  await age(store)
  api.fail((method) => method === 'DELETE')
  await clock.advance(TURN_MS)
  await until('the rollback fails, and is told', () => events.some(({ name }) => name === 'rollback-failed'))
  assert.deepEqual(
    events.filter(({ name }) => name === 'rollback-failed').map(({ path, plugin }) => [path, plugin]),
    [['k/', 'kubernetes']],
  )
  assert.equal((await logged(store)).length, 1, 'it is tried again')

  api.fail(() => false)
  const before = deletions(it)
  await clock.advance(TURN_MS)
  await until('the role is deleted', () => deletions(it) > before)
  await until('the log is empty', async () => (await logged(store)).length === 0)
  assert.ok(!api.objects().some((name) => name.startsWith('roles/')))
})

test('an entry that is young is left alone, and periodic work that takes minutes is not begun a second time', async (t) => {
  const it = await world(t)
  const { clock, api, store, events } = it
  await failsHalfWay(it)
  await clock.advance(3 * TURN_MS)
  assert.equal(deletions(it), 0)
  assert.equal((await logged(store)).length, 1)

  await age(store)
  api.hold((method) => method === 'DELETE')
  await clock.advance(TURN_MS)
  await until('the rollback is under way', () => deletions(it) === 1)
  // Four more turns while it hangs: the mount serves, and the work is under way once.
  for (let turn = 0; turn < 4; turn += 1) await clock.advance(TURN_MS)
  assert.equal((await it.gateway.write('k/creds/app', {})).data.service_account_namespace, 'default')
  assert.equal(deletions(it), 1)
  api.release()
  await until('the log is empty', async () => (await logged(store)).length === 0)
  await clock.advance(2 * TURN_MS)
  assert.equal(deletions(it), 1)
  assert.deepEqual(
    events.filter(({ name }) => name === 'rollback-failed'),
    [],
  )
})
