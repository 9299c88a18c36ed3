import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { startTerraformApi } from '../plugin-host/equivalence/wire/terraform-api.ts'
import { assertEntry } from '../support/entry-schema.ts'
import { goPlugin, TERRAFORM_PLUGIN } from '../support/go-plugins.ts'
import { sha256Of } from '../support/sha256.ts'
import { gatewayOver, startHost } from './plugin-host-world.ts'

const POLICY = {
  policy: 'app',
  rules: [
    { path: 'tf/*', operations: ['*'], effect: 'allow' },
    { path: 'tf/creds/no', operations: ['*'], effect: 'forbid' },
  ],
} as const

test('leases of a Go plugin are shared, renewed, rotated and released by two gateways; what is denied never reaches it; a crash between costs one call', async (t) => {
  const command = await goPlugin(t, TERRAFORM_PLUGIN)
  const api = await startTerraformApi(t)
  const { host } = await startHost(t, {
    plugins: [{ name: 'terraform', type: 'secret', command, sha256: sha256Of(command) }],
    mounts: { tf: { type: 'terraform' } },
  })
  const first = await gatewayOver(t, host, { policies: [POLICY] })
  const second = await gatewayOver(t, host, { policies: [POLICY] })
  await first.gateway.write('tf/config', { address: api.address, token: 'admin' })
  await first.gateway.write('tf/role/r', { user_id: 'u', ttl: '3s', max_ttl: '6s' })
  await first.gateway.write('tf/role/no', { user_id: 'u' })

  await assert.rejects(first.gateway.read('tf/creds/no'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  assert.deepEqual(api.alive(), [])

  // One value for all who hold it in a gateway; the other gateway has its own.
  const seen: string[] = []
  const held = await first.gateway.lease('tf/creds/r')
  held.on('renewed', () => void seen.push('renewed')).on('rotated', () => void seen.push('rotated'))
  const again = await first.gateway.lease('tf/creds/r')
  assert.equal(again.current().data.token_id, held.current().data.token_id)
  const other = await second.gateway.lease('tf/creds/r')
  assert.notEqual(other.current().data.token_id, held.current().data.token_id)
  assert.equal(api.alive().length, 2)

  // Its process ends, and the next calls meet a new one; what is held lives on.
  const pids = processesOf('/artefacts/')
  assert.ok(pids.length > 0)
  for (const pid of pids) process.kill(pid, 'SIGKILL')
  await until(async () => (await first.gateway.read('tf/role/r').catch(() => undefined)) !== undefined)

  await until(async () => seen.includes('renewed') && seen.includes('rotated'))
  assert.ok(held.generation > 1)
  assert.ok(api.alive().includes(String(held.current().data.token_id)))

  await Promise.all([held.close(), again.close()])
  await second.gateway.close()
  await until(async () => api.alive().length === 0)
  // The host serves on: a gateway that was given a share of it takes nothing away.
  assert.equal((await first.gateway.read('tf/role/r')).status, 200)

  const entries = [...first.entries, ...second.entries]
  for (const entry of entries) assertEntry(entry)
  const denied = first.entries.filter(({ request }) => request.path === 'tf/creds/no')
  assert.deepEqual(
    denied.map(({ decision }) => decision?.effect),
    ['deny'],
  )
  assert.ok(!/secret-at-/.test(JSON.stringify(entries)))
})

/** Processes of this test run: children of this process, or of what guards them. */
function processesOf(name: string): readonly number[] {
  const mine = new Set([process.pid])
  const all = readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .sort((a, b) => a - b)
  const found: number[] = []
  for (const pid of all) {
    try {
      const parent = Number(/\) \S (\d+)/.exec(readFileSync(`/proc/${pid}/stat`, 'utf8'))?.[1])
      if (!mine.has(parent)) continue
      mine.add(pid)
      if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(name)) found.push(pid)
    } catch {
      // It ended meanwhile.
    }
  }
  return found
}

async function until(isTrue: () => Promise<boolean>): Promise<void> {
  for (let waitedMs = 0; !(await isTrue()); waitedMs += 50) {
    assert.ok(waitedMs < 30_000, 'it did not come about in time')
    await sleep(50)
  }
}
