import assert from 'node:assert/strict'
import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { Gateway } from 'portcullis'
import type { Isolation } from '../../lib/plugin-host/process/plugins.ts'
import { findTools } from '../../lib/plugin-host/process/tools.ts'
import { goPlugin, KV_PLUGIN } from '../support/go-plugins.ts'
import { ROOT } from '../support/imports.ts'
import { sha256Of } from '../support/sha256.ts'
import { gatewayOver, startHost, untilReady } from './plugin-host-world.ts'

const ALL = { policy: 'all', rules: [{ path: '*', operations: ['*'], effect: 'allow' }] }
const [FIRST, SECOND] = ['v1.0.0', 'v1.1.0']

/** A file that serves the versioned plugin as `version`. */
function items(t: TestContext, version: string): { readonly command: string; readonly sha256: string } {
  const folder = mkdtempSync(join(tmpdir(), 'items-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const command = join(folder, 'items')
  const source = JSON.stringify(join(ROOT, 'test/integration/versioned-plugin.ts'))
  const head = `#!/usr/bin/env -S ${process.execPath} --conditions=portcullis-source`
  writeFileSync(command, `${head}\nprocess.env.ITEMS_VERSION = '${version}'\nimport(${source})\n`, { mode: 0o755 })
  return { command, sha256: sha256Of(command) }
}

/** Callers that go on all the time, through `gateway`. */
function callers(gateway: Gateway): {
  readonly failed: unknown[]
  readonly seen: Set<unknown>
  end(): Promise<number>
} {
  const [failed, seen]: [unknown[], Set<unknown>] = [[], new Set()]
  let [isOver, calls] = [false, 0]
  const one = async (name: string): Promise<void> => {
    for (let round = 0; !isOver; round += 1) {
      try {
        await gateway.write(`m/item/${name}`, { value: `${round}` })
        const { data } = await gateway.read<{ value: string }>(`m/item/${name}`)
        assert.equal(data.value, `${round}`)
        seen.add((await gateway.read('m/version')).data.version)
      } catch (error) {
        failed.push(error)
      }
      calls += 3
    }
  }
  const working = ['a', 'b', 'c', 'd'].map(one)
  return {
    ...{ failed, seen },
    async end(): Promise<number> {
      isOver = true
      await Promise.all(working)
      return calls
    },
  }
}

test('upgraded in place, rolled back, tuned, pinned and reloaded under load: no caller sees an error, and what is stored stays', async (t) => {
  const [first, second] = [items(t, FIRST), items(t, SECOND)]
  const it = await startHost(t, {
    plugins: [
      { name: 'items', type: 'secret', version: FIRST, ...first },
      { name: 'items', type: 'secret', version: SECOND, ...second },
    ],
    mounts: { m: { type: 'items', version: FIRST } },
  })
  const operator = { auth: it.host.operatorAuth(), dangerouslyAllowEverything: true }
  const { gateway: admin } = await gatewayOver(t, it.host, operator)
  const { gateway } = await gatewayOver(t, it.host, { policies: [ALL] })
  const runs = async (version: string): Promise<void> => {
    assert.equal((await gateway.read('m/version')).data.version, version)
    assert.equal((await gateway.read('m/item/kept')).data.value, 'treasure')
  }
  await gateway.write('m/item/kept', { value: 'treasure' })
  await runs(FIRST)
  const load = callers(gateway)

  assert.equal(await it.host.operator.upgrade('m', SECOND), FIRST)
  await runs(SECOND)
  assert.equal(await it.host.operator.upgrade('m', FIRST), SECOND)
  await runs(FIRST)
  await assert.rejects(it.host.operator.upgrade('m', 'v9.0.0'), { code: 'ERR_PORTCULLIS_PLUGIN_INVALID' })
  await runs(FIRST)

  const help = await it.host.operator.help('m')
  assert.ok(JSON.stringify(help).includes('item/'))
  assert.ok(typeof (await it.host.operator.help('m/version')).help === 'string')
  await assert.rejects(it.host.operator.help('nowhere/x'), { code: 'ERR_PORTCULLIS_PLUGIN_INVALID' })

  // The same in the server's shapes.
  const reload = (): Promise<unknown> => admin.write('sys/plugins/reload/backend', { mounts: ['m/'] })
  await admin.write('sys/mounts/m/tune', { plugin_version: SECOND })
  await runs(FIRST)
  await reload()
  await runs(SECOND)
  await admin.write('sys/plugins/pins/secret/items', { version: FIRST })
  await runs(SECOND)
  await reload()
  await runs(FIRST)
  await admin.delete('sys/plugins/pins/secret/items')
  await admin.write('sys/plugins/reload/backend', { plugin: 'items' })
  await runs(SECOND)
  const mounts = (await admin.read('sys/mounts')).data as Record<string, Record<string, unknown>>
  assert.deepEqual([mounts['m/']?.running_plugin_version, mounts['m/']?.running_sha256], [SECOND, second.sha256])

  const calls = await load.end()
  assert.deepEqual(load.failed, [])
  assert.deepEqual([...load.seen].sort(), [FIRST, SECOND])
  await it.restart()
  const { gateway: again } = await gatewayOver(t, it.host, { policies: [ALL] })
  assert.equal((await again.read('m/version')).data.version, SECOND)
  assert.equal((await again.read('m/item/kept')).data.value, 'treasure')
  t.diagnostic(`${calls} calls during five changes of version, none failed`)
})

const TOOLS = await findTools()
const IS_ROOT = process.getuid?.() === 0
const USERS = { first: 780_000 + (process.pid % 1000) * 10, count: 8 }

/** Why a level cannot be tried here; in CI nothing is left out. */
function missing(level: Isolation): string | false {
  if (!['', '0', 'false'].includes(process.env.CI ?? '')) return false
  if (level === 'uid' && (!IS_ROOT || TOOLS.setpriv === undefined)) return 'needs root and setpriv'
  return level === 'sandbox' && TOOLS.bwrap === undefined ? 'needs bwrap' : false
}

for (const isolation of ['uid', 'sandbox'] as const) {
  test(`level ${isolation} through a whole host: the Go kv plugin and one in TypeScript, beside the built-in kv; after a reload and a restart`, {
    skip: missing(isolation),
  }, async (t) => {
    const [command, own] = [await goPlugin(t, KV_PLUGIN), items(t, FIRST)]
    const it = await startHost(t, {
      isolation,
      plugins: [
        { name: 'go-kv', type: 'secret', command, sha256: sha256Of(command) },
        { name: 'items', type: 'secret', version: FIRST, ...own },
      ],
      mounts: {
        go: { type: 'go-kv', options: { version: '2' } },
        ours: { type: 'kv', options: { version: '2' } },
        m: { type: 'items' },
      },
      ...(await processesOf(t)),
    })
    const check = async (): Promise<void> => {
      const { gateway } = await gatewayOver(t, it.host, { policies: [ALL] })
      for (const mount of ['go', 'ours']) {
        await untilReady(() => gateway.write(`${mount}/data/a`, { data: { color: 'green' } }))
        assert.deepEqual((await gateway.kv(mount).read('a')).value, { color: 'green' })
      }
      await gateway.write('m/item/a', { value: 'green' })
      assert.equal((await gateway.read('m/item/a')).data.value, 'green')
    }
    await check()
    await it.host.operator.reload('go')
    await check()
    await it.restart()
    await check()
    const levels = it.host.operator.plugins().map(({ name, isolation: level }) => [name, level])
    assert.deepEqual(
      levels.filter(([name]) => name === 'go-kv' || name === 'items'),
      [
        ['go-kv', isolation],
        ['items', isolation],
      ],
    )
  })
}

async function processesOf(t: TestContext): Promise<{ processes: { folder: string } & Record<string, unknown> }> {
  const folder = mkdtempSync(join(tmpdir(), 'run-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const sandboxPaths = [ROOT, join(ROOT, 'node_modules'), process.execPath].map((path) => realpathSync(path))
  return { processes: { folder, sandboxPaths, ...(IS_ROOT ? { users: USERS } : {}) } }
}
