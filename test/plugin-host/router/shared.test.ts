import assert from 'node:assert/strict'
import { test } from 'node:test'
import { callback, createGateway } from 'portcullis'
import { said } from './scripted-plugins.ts'
import { world } from './world.ts'

const EVERYTHING = {
  dangerouslyAllowEverything: true,
  audit: { devices: [callback('none', () => undefined)] },
} as const

test('a host that gateways share stays open when one closes, and ends its token; one that is handed over closes with its gateway', async (t) => {
  const { host, ask } = await world(
    t,
    { kv: { handle: ({ path }) => said({ path }) } },
    { mounts: { kv: { type: 'kv' } } },
  )
  const first = await createGateway({ server: host.shared(), ...EVERYTHING })
  const second = await createGateway({ server: host.shared(), auth: host.operatorAuth(), ...EVERYTHING })
  await first.read('kv/a')
  const before = (await second.list<{ keys: string[] }>('auth/token/accessors')).data.keys.length
  await first.close()
  const after = (await second.list<{ keys: string[] }>('auth/token/accessors')).data.keys.length
  assert.equal(before - after, 1)
  assert.deepEqual((await second.read('kv/b')).data, { path: 'b' })
  await second.close()

  const last = await createGateway({ server: host, ...EVERYTHING })
  assert.deepEqual((await last.read('kv/c')).data, { path: 'c' })
  await last.close()
  await assert.rejects(ask('read', 'kv/d'), { code: 'ERR_PORTCULLIS_GATEWAY_CLOSED' })
})
