import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { type LockedPlugin, lockText, parseLock } from '../../../lib/plugin-host/install/lock.ts'
import { ROOT } from '../../support/imports.ts'

const GOOD: LockedPlugin = {
  name: 'kv',
  type: 'secret',
  version: 'v0.25.0',
  source: 'go:github.com/a/b/cmd/kv@v0.25.0',
  sha256: 'a'.repeat(64),
  integrity: 'h1:abc=',
  toolchain: 'go1.26.0 linux/amd64',
}

const schema = JSON.parse(readFileSync(join(ROOT, 'schemas/plugins-lock.schema.json'), 'utf8'))
const isValid = new Ajv2020({ strict: true }).compile(schema)

test('a lock is read as it was written, sorted by name and version', () => {
  const others = ['v0.9.0', 'v0.10.0', ''].map((version) => ({ ...GOOD, version }))
  const text = lockText([GOOD, ...others, { ...GOOD, name: 'auth' }])
  const read = parseLock('plugins.lock.json', text)
  assert.deepEqual(
    read.map(({ name, version }) => `${name} ${version}`),
    ['auth v0.25.0', 'kv ', 'kv v0.9.0', 'kv v0.10.0', 'kv v0.25.0'],
  )
  assert.equal(lockText(read), text)
  assert.ok(isValid(JSON.parse(text)), JSON.stringify(isValid.errors))
})

const entry = (more: object): string => JSON.stringify({ lockVersion: 1, plugins: [{ ...GOOD, ...more }] })

const BAD: readonly (readonly [what: string, text: string])[] = [
  ['torn JSON', '{"lockVersion":1,"plug'],
  ['a list', '[]'],
  ['another version', '{"lockVersion":2,"plugins":[]}'],
  ['no list of plugins', '{"lockVersion":1,"plugins":{}}'],
  ['a name that leads elsewhere', entry({ name: '../../etc' })],
  ['a hidden name', entry({ name: '.stage-x' })],
  ['an unknown type', entry({ type: 'engine' })],
  ['a version that is none', entry({ version: 'latest' })],
  ['a version without v', entry({ version: '1.2.3' })],
  ['a hash that is none', entry({ sha256: 'A'.repeat(64) })],
  ['an empty source', entry({ source: '' })],
  ['an unknown field', entry({ command: '/bin/sh' })],
]

for (const [what, text] of BAD) {
  test(`a lock with ${what} is refused, by the schema too`, () => {
    assert.throws(() => parseLock('l.json', text), { code: 'ERR_PORTCULLIS_PLUGIN_LOCK', message: /^l\.json/ })
    if (!text.startsWith('{"lockVersion":1,"plug') || text.endsWith('}')) assert.equal(isValid(JSON.parse(text)), false)
  })
}

test('two entries of one name and version are refused', () => {
  assert.throws(() => parseLock('l.json', lockText([GOOD, GOOD])), { code: 'ERR_PORTCULLIS_PLUGIN_LOCK' })
})
