import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { createGateway, file, type Gateway, PolicyDeniedError } from 'portcullis'
import { createPluginHost, createStorage, memory, type PluginHost, rootKeyOf } from 'portcullis/plugin-host'
import { pythonPackages } from '../../examples/support/python-packages.ts'
import { ROOT } from '../support/imports.ts'
import { launched } from '../support/real-servers.ts'
import { sha256Of } from '../support/sha256.ts'

const PROGRAM = join(ROOT, 'examples/plugins/python/passphrase.py')

const POLICY = {
  policy: 'passphrases',
  rules: [
    { id: 'issue', path: 'pass/issue/*', operations: ['read'], effect: 'allow' },
    { id: 'issued', path: 'pass/issued', operations: ['list'], effect: 'allow' },
    { id: 'others', path: 'other/issued', operations: ['list'], effect: 'allow' },
    { id: 'leases', path: 'sys/leases/*', operations: ['write'], effect: 'allow' },
  ],
}

/** A host with the plugin of `examples/plugins/python`, and a gateway over it. */
async function governed(t: TestContext): Promise<{ readonly host: PluginHost; readonly gateway: Gateway }> {
  const packages = await launched(t, async () => {
    const path = await pythonPackages(join(ROOT, 'examples/plugins/python/requirements.txt'))
    return { path, stop: async (): Promise<void> => {} }
  })
  const folder = mkdtempSync(join(tmpdir(), 'portcullis-python-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const host = await createPluginHost({
    storage: await createStorage({ driver: memory(), rootKey: rootKeyOf(new Uint8Array(32).fill(7)) }),
    processes: { folder: join(folder, 'plugins') },
    plugins: [
      {
        name: 'passphrase',
        type: 'secret',
        command: PROGRAM,
        args: [join(ROOT, 'lib/plugin-host/wire/proto')],
        env: [`PYTHONPATH=${packages.path}`, 'PYTHONDONTWRITEBYTECODE=1'],
        sha256: sha256Of(PROGRAM),
      },
    ],
    mounts: { pass: { type: 'passphrase' }, other: { type: 'passphrase' } },
  })
  t.after(() => host.close())
  const audit = { devices: [file(join(folder, 'audit.jsonl'))] }
  const gateway = await createGateway({ server: host, policies: [POLICY], audit })
  t.after(() => gateway.close())
  return { host, gateway }
}

test('a plugin in Python issues, renews and revokes leases through the same host', async (t) => {
  const { host, gateway } = await governed(t)
  const lease = await gateway.lease<{ name: string; passphrase: string }>('pass/issue/ann')
  const { data, leaseId, ttlMs } = lease.current()

  assert.equal(data.name, 'ann')
  assert.match(data.passphrase, /^[a-z]+(?:-[a-z]+){3}$/)
  assert.match(leaseId, /^pass\/issue\/ann\//)
  assert.ok(ttlMs > 55_000 && ttlMs <= 60_000, `told ${ttlMs} ms of 60,000`)
  assert.equal((await gateway.list('pass/issued')).data.keys?.length, 1)
  await assert.rejects(gateway.read('pass/config'), PolicyDeniedError)

  const renewed = await gateway.write('sys/leases/renew', { lease_id: leaseId, increment: 30 })
  assert.equal(renewed.leaseId, leaseId)

  await lease.close()
  while (host.operator.leases('pass/').length > 0) await sleep(20)
  await assert.rejects(gateway.list('pass/issued'), { code: 'ERR_PORTCULLIS_SERVER_NOT_FOUND' })
})

test('two mounts of a plugin in Python share a process and no storage; its version and paths are told', async (t) => {
  const { host, gateway } = await governed(t)
  await gateway.read('pass/issue/ann')

  const [entry] = host.operator.plugins().filter(({ name }) => name === 'passphrase')
  assert.ok(entry !== undefined)
  const told = await host.operator.inspect('secret', 'passphrase', entry.version)
  assert.equal(told.version, 'v0.1.0')
  assert.equal(told.multiplexing, true)
  assert.deepEqual(told.specialPaths?.root, ['config'])

  assert.equal((await gateway.list('pass/issued')).data.keys?.length, 1)
  await assert.rejects(gateway.list('other/issued'), { code: 'ERR_PORTCULLIS_SERVER_NOT_FOUND' })
})
