import assert from 'node:assert/strict'
import { test } from 'node:test'
import { goPlugin, KV_PLUGIN } from '../support/go-plugins.ts'
import { sha256Of } from '../support/sha256.ts'
import { gatewayOver, startHost } from './plugin-host-world.ts'

const ALL = { policy: 'all', rules: [{ path: '*', operations: ['*'], effect: 'allow' }] }

test('events of the Go kv plugin come out at onEvent: what happened and where, no secret', async (t) => {
  const command = await goPlugin(t, KV_PLUGIN)
  const it = await startHost(t, {
    plugins: [{ name: 'gokv', type: 'secret', command, sha256: sha256Of(command) }],
    mounts: {
      one: { type: 'gokv' },
      two: { type: 'gokv', options: { version: '2' } },
    },
  })
  const { gateway } = await gatewayOver(t, it.host, { policies: [ALL] })
  await gateway.write('one/a', { password: 'treasure' })
  for (let tries = 0; ; tries += 1) {
    try {
      await gateway.write('two/data/b', { data: { password: 'treasure' } })
      break
    } catch (error) {
      // It may still be on its way to version 2.
      if (tries > 100) throw error
      await new Promise((resolve) => setTimeout(resolve, 100))
    }
  }
  await gateway.delete('two/data/b')
  await gateway.delete('one/a')
  const told = it.events.filter(({ name }) => name === 'plugin-event')
  assert.deepEqual(
    told.map(({ path, plugin, event }) => [path, plugin, event?.type, event?.metadata.path, event?.count]),
    [
      ['one/', 'gokv', 'kv-v1/write', 'a', 1],
      ['two/', 'gokv', 'kv-v2/data-write', 'data/b', 1],
      ['two/', 'gokv', 'kv-v2/data-delete', 'data/b', 2],
      ['one/', 'gokv', 'kv-v1/delete', 'a', 2],
    ],
  )
  assert.equal(told[1]?.event?.metadata.current_version, '1')
  assert.ok(!JSON.stringify(it.events).includes('treasure'))
})
