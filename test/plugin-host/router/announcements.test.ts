import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type AuditEntry, callback, createGateway } from 'portcullis'
import { ANNOUNCEMENTS_KEPT, Announcements } from '../../../lib/plugin-host/router/announcements.ts'
import type { TransportEvent } from '../../../lib/ports/transport.ts'
import { checked } from '../../support/checked-device.ts'
import { said } from './scripted-plugins.ts'
import { world } from './world.ts'

test('what a host did before its gateway was there, and does after, stands in the audit of that gateway', async (t) => {
  const { host } = await world(t, { kv: { handle: ({ path }) => said({ path }) } }, { mounts: { kv: { type: 'kv' } } })
  const entries: AuditEntry[] = []
  const gateway = await createGateway({
    server: host.shared(),
    dangerouslyAllowEverything: true,
    audit: { devices: [checked(callback('test', (entry) => void entries.push(entry as AuditEntry)))] },
  })
  await host.operator.mount('more', { type: 'kv' })
  await gateway.close()
  await host.operator.unmount('more')
  const events = entries.flatMap(({ event }) => (event?.name.startsWith('session') === false ? [event] : []))
  assert.deepEqual(events, [
    { name: 'plugin.registered', detail: { plugin: 'kv' } },
    { name: 'mount.enabled', detail: { path: 'kv/', plugin: 'kv' } },
    { name: 'mount.enabled', detail: { path: 'more/', plugin: 'kv' } },
  ])
})

test('what nobody hears is kept up to a bound, for the first who listens alone', () => {
  const announcements = new Announcements()
  const plugin = { path: '', code: '', attempts: 0 }
  for (let at = 0; at < ANNOUNCEMENTS_KEPT + 50; at += 1)
    announcements.tell({ name: 'plugin-started', plugin: `p${at}`, ...plugin })
  const heard: TransportEvent[][] = [[], []]
  for (const list of heard) announcements.listen((event) => void list.push(event))
  assert.deepEqual([heard[0]?.length, heard[1]?.length], [ANNOUNCEMENTS_KEPT, 0])
  announcements.tell({ name: 'lease-expired', plugin: '', ...plugin })
  announcements.tell({ name: 'plugin-crashed', plugin: 'p', ...plugin, code: 'memory', attempts: 2 })
  const crash = { name: 'plugin.crashed', detail: { plugin: 'p', code: 'memory', attempts: 2 } }
  assert.deepEqual([heard[0]?.at(-1), heard[1]], [crash, [crash]])
})
