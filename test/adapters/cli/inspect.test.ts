import assert from 'node:assert/strict'
import { cpSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { writePlugin } from '../../plugin-host/install/place.ts'
import { goPlugin, JWT_PLUGIN, KV_PLUGIN } from '../../support/go-plugins.ts'
import { portcullis, temporaryFolder } from './command.ts'

test('the Go kv plugin: type, protocol, services by reflection, paths and help', async (t) => {
  const cwd = temporaryFolder(t)
  cpSync(await goPlugin(t, KV_PLUGIN), join(cwd, 'kv'))
  const { code, stdout, stderr } = await portcullis(['plugin', 'inspect', './kv'], { cwd })
  assert.equal(code, 0, stderr)
  assert.match(stdout, /^file {6}\.\/kv\nsha256 {4}[0-9a-f]{64}\ntype {6}secret\n/)
  assert.match(stdout, /^speaks {4}protocol 5, /m)
  assert.match(stdout, /^services\n(?: {2}\S+\n)* {2}pb\.Backend\n/m)
  assert.match(stdout, /^paths\n/m)
  const json = await portcullis(['plugin', 'inspect', 'kv', '--json'], { cwd })
  const inspection = JSON.parse(json.stdout)
  assert.equal(inspection.type, 'secret')
  assert.ok(inspection.services.includes('pb.Backend'))
  assert.deepEqual(inspection.differences, [])
})

test('a Go auth method is found out to be one, with its logins that need no token', async (t) => {
  const cwd = temporaryFolder(t)
  const json = await portcullis(['plugin', 'inspect', await goPlugin(t, JWT_PLUGIN), '--json'], { cwd })
  const inspection = JSON.parse(json.stdout)
  assert.equal(inspection.type, 'auth')
  assert.ok(inspection.specialPaths.unauthenticated.includes('login'), json.stdout.slice(0, 2000))
})

const NO_PLUGINS: readonly (readonly [what: string, text: string])[] = [
  ['prints garbage', '#!/bin/sh\nhead -c 200000 /dev/urandom\n'],
  ['prints orders for the terminal', "#!/bin/sh\nprintf '\\033[2J\\033]0;owned\\007|||\\n'\n"],
  ['prints a handshake and ends', "#!/bin/sh\necho '1|5|unix|/nonexistent|grpc|'\n"],
  ['floods stderr', '#!/bin/sh\nhead -c 5000000 /dev/zero | tr "\\0" x >&2\n'],
  ['says nothing', '#!/bin/sh\nexec sleep 600\n'],
  ['is no program', 'just a text\n'],
  ['is empty', ''],
]

for (const [what, text] of NO_PLUGINS) {
  test(`a file that ${what} is told to be no plugin, and does no harm`, async (t) => {
    const cwd = temporaryFolder(t)
    writePlugin(cwd, 'hostile', text)
    const args = ['plugin', 'inspect', './hostile', '--timeout', '5']
    const { code, stdout, stderr } = await portcullis(args, { cwd })
    assert.equal(code, 1, stderr)
    assert.equal(stdout, '')
    assert.match(stderr, /^error: plugin hostile: /)
    assert.match(stderr, /\(ERR_PORTCULLIS_PLUGIN_\w+\)\n$/)
    assert.doesNotMatch(stderr, /\n\s+at |\u001b|owned/)
    assert.ok(stderr.length < 2000, `${stderr.length} characters`)
  })
}

test('a file without the right to be run is inspected all the same: a copy is run', async (t) => {
  const cwd = temporaryFolder(t)
  cpSync(await goPlugin(t, KV_PLUGIN), join(cwd, 'kv'), { mode: 0 })
  writeFileSync(join(cwd, 'folder-is-no-plugin'), '')
  const { code } = await portcullis(['plugin', 'inspect', './kv', '--type', 'secret'], { cwd })
  assert.equal(code, 0)
  const wrong = await portcullis(['plugin', 'inspect', './kv', '--type', 'database', '--timeout', '10'], { cwd })
  assert.equal(wrong.code, 1)
})
