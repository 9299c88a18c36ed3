import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { startBaoWithPlugins } from '../support/bao-plugins.ts'
import { ROOT } from '../support/imports.ts'
import { realServersAbsent } from '../support/real-servers.ts'

const skip = await realServersAbsent()
const readme = readFileSync(join(ROOT, 'lib/plugin/README.md'), 'utf8')

test('the plugin of the README is served by a real server', { skip }, async (t) => {
  const code = /^```ts\n(.*?)^```/ms.exec(readme)?.[1] ?? ''
  assert.ok(code.split('\n').length <= 32)
  const { bao, folder, register } = await startBaoWithPlugins(t)
  const file = join(folder, 'tickets.ts')
  writeFileSync(file, code.replaceAll("'portcullis/plugin'", JSON.stringify(join(ROOT, 'lib/plugin/index.ts'))))
  await register('secret', 'tickets', file)
  await bao.root('POST', 'sys/mounts/tickets', { type: 'tickets' })
  assert.equal((await bao.call(bao.rootToken, 'GET', 'tickets/tickets/ann')).status, 400)
  await bao.root('POST', 'tickets/config', { ttl: '2m' })
  const { body } = await bao.root('GET', 'tickets/tickets/ann')
  assert.deepEqual([body.lease_duration, body.renewable], [120, true])
  await bao.root('POST', 'sys/leases/revoke', { lease_id: body.lease_id, sync: true })
})

test('the README names every option of a plugin and of a path', () => {
  const named = (file: string, start: RegExp): readonly string[] => {
    const source = readFileSync(join(ROOT, 'lib/plugin', file), 'utf8')
    const body = start.exec(source)?.[1] ?? ''
    const names = [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, name]) => name ?? '')
    assert.ok(names.length > 0, String(start))
    return names
  }
  const names = [
    ...named('definition.ts', /interface Identity \{(.*?)^\}/ms),
    ...named('definition.ts', /interface BackendDefinition extends Identity \{(.*?)^\}/ms),
    ...named('definition.ts', /interface DatabaseDefinition extends Identity \{(.*?)^\}/ms),
    ...named('path.ts', /interface Operations<[^{]*\{(.*?)^\}/ms),
    ...named('path.ts', /interface Description<[^{]*\{(.*?)^\}/ms),
  ]
  for (const name of names) assert.match(readme, new RegExp(`\`(?:auth\\.renew|${name})\``), name)
})
