import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import type { AuditEntry } from 'portcullis'
import { gatewayOver, startHost } from './plugin-host-world.ts'

/** The process of built-in plugins that this process started. */
function builtinProcess(): number {
  const found = readdirSync('/proc').find((name) => {
    try {
      const isOurs = readFileSync(`/proc/${name}/stat`, 'utf8').split(') ')[1]?.split(' ')[1] === String(process.pid)
      return isOurs && readFileSync(`/proc/${name}/cmdline`, 'utf8').includes('builtin/main')
    } catch {
      return false
    }
  })
  assert.ok(found !== undefined)
  return Number(found)
}

test('a plugin process that starts, is killed and starts anew stands in the audit of the gateway', {
  skip: process.platform !== 'linux' && 'reads /proc',
}, async (t) => {
  const { host } = await startHost(t, { mounts: { kv: { type: 'kv' } } })
  const { gateway, entries } = await gatewayOver(t, host, { dangerouslyAllowEverything: true })
  const told = (): readonly string[] =>
    entries.flatMap(({ event }: AuditEntry) => (event?.name.startsWith('plugin.') ? [event.name] : []))
  await gateway.write('kv/a', { x: 1 })
  process.kill(builtinProcess(), 'SIGKILL')
  for (let waits = 0; !told().includes('plugin.crashed'); waits += 1) {
    assert.ok(waits < 500, `no crash among ${told()}`)
    await sleep(20)
  }
  assert.deepEqual((await gateway.read('kv/a')).data, { x: 1 })
  assert.deepEqual(told(), ['plugin.started', 'plugin.crashed', 'plugin.started'])
  const crash = entries.find(({ event }) => event?.name === 'plugin.crashed')
  assert.equal(crash?.event?.detail.attempts, 1)
  assert.equal(typeof crash?.event?.detail.plugin, 'string')
})
