import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { PortcullisError } from 'portcullis'
import type { PluginHost } from 'portcullis/plugin-host'
import type { Operation } from '../../lib/model/operation.ts'
import type { ServerAnswer } from '../../lib/model/server-answer.ts'
import { startElasticsearch } from '../plugin-host/database/elasticsearch.ts'
import { startTerraformApi } from '../plugin-host/equivalence/wire/terraform-api.ts'
import { tokenOf } from '../plugin-host/router/world.ts'
import { ELASTICSEARCH_PLUGIN, goPlugin, TERRAFORM_PLUGIN } from '../support/go-plugins.ts'
import { sha256Of } from '../support/sha256.ts'
import { gatewayOver, type RealHost, startHost, untilReady } from './plugin-host-world.ts'

/** Starts of the host, and kills of the plugin in each: one more in a minute would open its breaker. */
const ROUNDS = 5
const KILLS = 4
const LANES = 6

/** What was told of a secret. */
interface Told {
  readonly name: string
  readonly leaseId: string
  isEnding: boolean
}

interface Count {
  readonly told: Told[]
  readonly codes: Map<string, number>
  kills: number
  renewed: number
  revoked: number
}

/** Mints at `paths`, renews and revokes, while the plugin is killed again and again. */
async function underKills(it: RealHost, paths: readonly string[], nameOf: (data: object) => string): Promise<Count> {
  const count: Count = { told: [], codes: new Map(), kills: 0, renewed: 0, revoked: 0 }
  for (let round = 0; round < ROUNDS; round += 1) {
    const host = round === 0 ? it.host : await it.restart()
    await untilReady(() => mint(host, paths[0] ?? '', nameOf, count))
    let isOver = false
    const lanes = Array.from({ length: LANES }, async (_, lane) => {
      for (let turn = 0; !isOver; turn += 1) await act(host, paths[lane % paths.length] ?? '', turn, nameOf, count)
    })
    for (let kill = 0; kill < KILLS; kill += 1) {
      const before = count.told.length
      await until(() => count.told.length > before + LANES)
      await sleep(Math.random() * 100)
      const pids = pluginsOf('/artefacts/')
      assert.ok(pids.length <= 1, `${pids.length} processes`)
      for (const pid of pids) process.kill(pid, 'SIGKILL')
      count.kills += pids.length
    }
    const before = count.told.length
    await until(() => count.told.length > before + LANES)
    isOver = true
    await Promise.all(lanes)
  }
  return count
}

async function act(
  host: PluginHost,
  path: string,
  turn: number,
  nameOf: (data: object) => string,
  count: Count,
): Promise<void> {
  try {
    const told = await mint(host, path, nameOf, count)
    if (turn % 3 === 1) {
      await ask(host, 'write', 'sys/leases/renew', { lease_id: told.leaseId, increment: '1h' })
      count.renewed += 1
    }
    if (turn % 3 === 2) {
      told.isEnding = true
      await ask(host, 'write', 'sys/leases/revoke', { lease_id: told.leaseId, sync: true })
      count.revoked += 1
    }
  } catch (error) {
    // Whatever befalls a plugin, its callers get an error that says so.
    assert.ok(error instanceof PortcullisError, String(error))
    count.codes.set(error.code, (count.codes.get(error.code) ?? 0) + 1)
    await sleep(5)
  }
}

async function mint(host: PluginHost, path: string, nameOf: (data: object) => string, { told }: Count): Promise<Told> {
  const { data, leaseId } = await ask(host, 'read', path)
  const secret = { name: nameOf(data ?? {}), leaseId, isEnding: false }
  told.push(secret)
  return secret
}

async function ask(host: PluginHost, operation: Operation, path: string, data?: object): Promise<ServerAnswer> {
  const more = { namespace: '', query: {}, wrapTtlMs: 0, requestId: 'r', repeatable: false } as const
  const body = data === undefined ? undefined : JSON.stringify(data)
  return host.send({ operation, path, body, token: await tokenFor(host), ...more }, { timeoutMs: 20_000 })
}

const tokens = new WeakMap<PluginHost, ReturnType<typeof tokenOf>>()

function tokenFor(host: PluginHost): ReturnType<typeof tokenOf> {
  const token = tokens.get(host) ?? tokenOf(host.auth())
  tokens.set(host, token)
  return token
}

/** All that was told is leased or gone; then ends all, and nothing that was told is left. */
async function settle(it: RealHost, count: Count, alive: () => readonly string[]): Promise<readonly string[]> {
  const leases = new Set(it.host.operator.leases())
  const lost = count.told.filter(({ leaseId, isEnding }) => !isEnding && !leases.has(leaseId))
  assert.deepEqual(lost, [], 'what was told and not revoked is leased')
  const mounts = new Set([...leases].map((id) => `${id.split('/')[0]}/`))
  for (const mount of mounts) it.host.operator.revoke(mount)
  await until(() => it.host.operator.leases().length === 0)
  const left = new Set(alive())
  assert.deepEqual(
    count.told.filter(({ name }) => left.has(name)),
    [],
    'nothing that was told lives without a lease',
  )
  return [...left]
}

function summary({ told, codes, kills, renewed, revoked }: Count, left: readonly string[]): string {
  const errors = JSON.stringify(Object.fromEntries(codes))
  return `${kills} kills, ${told.length} told, ${renewed} renewed, ${revoked} revoked, errors ${errors}, ${left.length} made and never told`
}

test('kill -9 of the terraform plugin at random moments: coded errors, and every lease that was told is right afterwards', async (t) => {
  const command = await goPlugin(t, TERRAFORM_PLUGIN)
  const api = await startTerraformApi(t)
  const it = await startHost(t, {
    plugins: [{ name: 'terraform', type: 'secret', command, sha256: sha256Of(command) }],
    mounts: { tf: { type: 'terraform' } },
  })
  const { gateway } = await gatewayOver(t, it.host, { dangerouslyAllowEverything: true })
  await gateway.write('tf/config', { address: api.address, token: 'admin' })
  await gateway.write('tf/role/r', { user_id: 'u', ttl: '1h', max_ttl: '2h' })
  await gateway.close()
  const count = await underKills(it, ['tf/creds/r'], (data) => String((data as { token_id?: string }).token_id))
  const left = await settle(it, count, api.alive)
  t.diagnostic(summary(count, left))
  assert.ok(left.length <= count.kills * LANES, `${left.length} tokens of nobody`)
})

test('kill -9 of a database plugin that two mounts share: coded errors at both, and every user that was told is right afterwards', async (t) => {
  const command = await goPlugin(t, ELASTICSEARCH_PLUGIN)
  const database = await startElasticsearch(t, 'first')
  const it = await startHost(t, {
    plugins: [{ name: 'es', type: 'database', command, sha256: sha256Of(command) }],
    mounts: { one: { type: 'database' }, two: { type: 'database' } },
  })
  const operator = { auth: it.host.operatorAuth(), dangerouslyAllowEverything: true }
  const { gateway } = await gatewayOver(t, it.host, operator)
  const creation_statements = '{"elasticsearch_role_definition": {"indices": [{"names":["*"], "privileges":["read"]}]}}'
  for (const mount of ['one', 'two']) {
    const login = { url: database.url, username: 'elastic', password: 'first' }
    await gateway.write(`${mount}/config/e`, { plugin_name: 'es', allowed_roles: '*', ...login })
    await gateway.write(`${mount}/roles/r`, { db_name: 'e', creation_statements, default_ttl: '1h', max_ttl: '2h' })
  }
  await gateway.close()
  const usernameOf = (data: object): string => String((data as { username?: string }).username)
  const count = await underKills(it, ['one/creds/r', 'two/creds/r'], usernameOf)
  const users = (): readonly string[] => [...database.users.keys()].filter((name) => name !== 'elastic')
  const left = await settle(it, count, users)
  t.diagnostic(summary(count, left))
  assert.ok(left.length <= count.kills * LANES, `${left.length} users of nobody`)
})

/** Children of this process that run `name`. */
function pluginsOf(name: string): readonly number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => {
      try {
        const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
        return parent === process.pid && readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(name)
      } catch {
        return false
      }
    })
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 10) {
    assert.ok(waitedMs < 60_000, 'it did not come about in time')
    await sleep(10)
  }
}
