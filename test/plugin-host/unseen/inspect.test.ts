import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspectFile } from 'portcullis/plugin-host'
import { goPlugin } from '../../support/go-plugins.ts'
import { BACKENDS, DATABASES } from './plugins.ts'

// They take half an hour to build: with `SOAK=1` alone.

for (const [type, plugin] of process.env.SOAK === '1' ? [...BACKENDS, ...DATABASES] : [])
  test(`${plugin.name} is found out: type, protocol, services as ours, paths`, async (t) => {
    const found = await inspectFile(await goPlugin(t, plugin))
    assert.equal(found.type, type)
    assert.deepEqual(found.differences, [])
    assert.equal(found.autoMtls, true)
    assert.ok(found.services?.includes(type === 'database' ? 'dbplugin.v5.Database' : 'pb.Backend'))
    if (type === 'database') return
    assert.ok(found.paths.length > 3 && found.help.length > 100)
    const logins = found.paths.filter(({ unauthenticated }) => unauthenticated)
    assert.equal(logins.length > 0, type === 'auth')
    t.diagnostic(`${found.paths.length} paths, ${logins.length} without a token`)
  })
