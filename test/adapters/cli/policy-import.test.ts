import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Ended, portcullis, temporaryFolder } from './command.ts'

const ACL = 'path "kv/*" { capabilities = ["read"] mfa_methods = ["m"] }\n'

async function imported(t: TestContext, text: string, ...args: readonly string[]): Promise<Ended & { folder: string }> {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'orders.hcl'), text)
  return { ...(await portcullis(['policy', 'import', 'orders.hcl', ...args], { cwd: folder })), folder }
}

test('a server policy in HCL comes out as a gateway policy that editors check, its losses on stderr', async (t) => {
  const { code, stdout, stderr } = await imported(t, ACL)
  assert.deepEqual(JSON.parse(stdout), {
    $schema: './node_modules/portcullis/schemas/policy.schema.json',
    policy: 'orders',
    rules: [{ id: 'kv-any', path: 'kv/*', operations: ['read'], effect: 'allow' }],
  })
  assert.equal(stderr, "wider  kv/*: mfa_methods is the server's alone to act on\n")
  assert.equal(code, 0)
})

test('it is written to a new file alone, and --strict counts the losses', async (t) => {
  const { code, stdout, folder } = await imported(t, ACL, '-o', 'out.json', '--strict', '--name', 'mine')
  assert.deepEqual([code, stdout], [1, ''])
  assert.equal(JSON.parse(readFileSync(join(folder, 'out.json'), 'utf8')).policy, 'mine')
  const again = await portcullis(['policy', 'import', 'orders.hcl', '-o', 'out.json'], { cwd: folder })
  const stderr = 'error: out.json was not written: it is there already; remove it, or name another\n  (ERR_INPUT)\n'
  assert.deepEqual(again, { code: 2, stdout: '', stderr })
})

test('JSON comes in from standard input, and everything goes out as one JSON document', async (t) => {
  const { code, stdout } = await portcullis(['policy', 'import', '-', '--json'], {
    cwd: temporaryFolder(t),
    input: '{"name":"n","path":{"a":{"capabilities":["read"]}}}',
  })
  assert.equal(code, 0)
  assert.deepEqual(JSON.parse(stdout), {
    policy: { policy: 'n', rules: [{ id: 'a', path: 'a', operations: ['read'], effect: 'allow' }] },
    uncarried: [],
  })
})

const WRONG: readonly (readonly [name: string, text: string, args: readonly string[], stderr: string])[] = [
  [
    'no HCL',
    'path "a" {\n  capabilities = [',
    [],
    'orders.hcl cannot be read: it is not valid HCL at line 2, column 19',
  ],
  [
    'brackets that break a parser',
    `a = ${'['.repeat(20_000)}`,
    [],
    'orders.hcl cannot be read: its brackets are nested deeper than 100 levels',
  ],
  ['too large', ' '.repeat(1024 * 1024 + 1), [], 'orders.hcl cannot be read: it is larger than 1048576 characters'],
  ['no server policy', 'listener "tcp" {}', [], 'orders.hcl at /listener: a server policy has no "listener"'],
  ['a template without a name', ACL, ['--template', 'user'], '--template user: write it as identity.entity.name=user'],
]

for (const [name, text, args, message] of WRONG) {
  test(`${name}: refused with what is wrong and where`, async (t) => {
    const { code, stdout, stderr } = await imported(t, text, ...args)
    assert.deepEqual([code, stdout], [2, ''])
    assert.match(stderr, new RegExp(`^error: ${message.replace(/[()[\]]/g, '\\$&')}`))
  })
}
