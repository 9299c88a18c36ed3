import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ROOT } from '../../support/imports.ts'
import { type Ended, portcullis, temporaryFolder } from './command.ts'

const HINT = '(add --help for how it is used)\n'
const TRAP = { policy: 'trap', rules: [{ path: 'v1/kv/data/a', operations: ['read'], effect: 'allow' }] }
const SOUND = { policy: 'sound', rules: [{ path: 'kv/data/a', operations: ['read'], effect: 'allow' }] }
const BAD =
  '{\n  "policy": "bad",\n  "rules": [\n    { "path": "/a", "operations": ["get"], "effect": "allow" }\n  ]\n}\n'

function folderOf(t: TestContext, files: Readonly<Record<string, object | string>>): string {
  const cwd = temporaryFolder(t)
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(cwd, name), typeof content === 'string' ? content : JSON.stringify(content, undefined, 2))
  }
  return cwd
}

function check(cwd: string, ...args: readonly string[]): Promise<Ended> {
  return portcullis(['policy', 'check', ...args], { cwd })
}

test('policies without a fault end with 0', async (t) => {
  const cwd = folderOf(t, { 'sound.json': SOUND, 'sound.policy-test.json': { tests: [] } })
  assert.deepEqual(await check(cwd, '.'), { code: 0, stdout: '1 policy, 0 errors, 0 warnings\n', stderr: '' })
})

test('every fault of every file is told in the form of a place, and ends with 1', async (t) => {
  const { code, stdout, stderr } = await check(
    folderOf(t, { 'bad.json': BAD, 'trap.json': TRAP, 'worse.json': '{' }),
    '.',
  )
  const lines = [
    'bad.json:4:7: error[invalid] /rules/0/path: a path has no leading slash; it is relative to /v1/',
    'bad.json:4:36: error[invalid] /rules/0/operations/0: must be one of read, list, scan, write, create, update, patch, delete, sudo, *',
    'trap.json:5:7: warning[v1-prefix] /rules/0/path (rule-0): paths are relative to /v1/: write "kv/data/a"',
    'worse.json:1:2: error[invalid]: the text ends where a name or text in double quotes should stand',
    '1 policy, 3 errors, 1 warnings',
  ]
  assert.deepEqual([code, stdout, stderr], [1, `${lines.join('\n')}\n`, ''])
})

test('warnings end with 0, with --strict with 1, and what is ignored is not told', async (t) => {
  const cwd = folderOf(t, { 'trap.json': TRAP })
  assert.equal((await check(cwd, 'trap.json')).code, 0)
  assert.equal((await check(cwd, '--strict', 'trap.json')).code, 1)
  const ignored = await check(cwd, '--strict', '--ignore', 'v1-prefix', 'trap.json')
  assert.deepEqual(ignored, { code: 0, stdout: '1 policy, 0 errors, 0 warnings\n', stderr: '' })
})

test('machines get code, severity, file, pointer, line and column', async (t) => {
  const cwd = folderOf(t, { 'trap.json': TRAP })
  const { code, stdout, stderr } = await check(cwd, '--json', '.')
  assert.deepEqual([code, stderr], [0, ''])
  assert.deepEqual(JSON.parse(stdout), {
    policies: ['trap'],
    errors: 0,
    warnings: 1,
    findings: [
      {
        code: 'v1-prefix',
        severity: 'warning',
        file: 'trap.json',
        pointer: '/rules/0/path',
        line: 5,
        column: 7,
        policy: 'trap',
        rule: 'rule-0',
        message: 'paths are relative to /v1/: write "kv/data/a"',
      },
    ],
  })
})

test('which mounts are KV v1 or v2, and the namespace of the gateway, can be told', async (t) => {
  const rules = [{ path: 'team/kv/a', operations: ['read'], effect: 'allow' }]
  const other = { policy: 'other', namespace: 'team-a', rules: [{ path: 'kv/*', operations: ['*'], effect: 'forbid' }] }
  const cwd = folderOf(t, { 'a.json': { policy: 'a', rules }, 'other.json': other, 'sound.json': SOUND })
  assert.match((await check(cwd, '.')).stdout, /^3 policies, 0 errors, 0 warnings\n$/)
  assert.match((await check(cwd, '--kv2', 'team/kv/', '.')).stdout, /^a\.json:5:7: warning\[kv-v2-path\]/)
  assert.match(
    (await check(cwd, '--default-namespace', 'team-a', '.')).stdout,
    /^sound\.json:4:5: warning\[forbidden\]/,
  )
})

test('--codes tells what each code means', async (t) => {
  const { code, stdout } = await check(temporaryFolder(t), '--codes')
  assert.equal(code, 0)
  assert.match(stdout, /^invalid \(error\)\n {2}The gateway would not load the file\./)
  const { codes } = JSON.parse((await check(temporaryFolder(t), '--codes', '--json')).stdout)
  assert.equal(codes['case-variant'].severity, 'error')
})

const WRONG: readonly (readonly [args: string, stderr: string])[] = [
  ['', 'error: name policy files, or folders of them\n  (ERR_USAGE)\n'],
  ['none', 'error: none cannot be read: there is no such file or folder\n  (ERR_INPUT)\n'],
  ['empty', 'error: there is no policy in empty: none of its files ends in .json\n  (ERR_INPUT)\n'],
  ['sound.json --strickt', `error: unknown option '--strickt'\n(Did you mean --strict?)\n${HINT}`],
  [
    'sound.json --default-namespace a/',
    'error: --default-namespace: namespace is not canonical: a namespace has no slash at either end and no empty, . or .. segment: team-a/sub, or "" for the root\n  (ERR_USAGE)\n',
  ],
  [
    'sound.json --ignore invalid',
    'error: --ignore must be one of never-passes, case-variant, unreachable, forbidden, contradiction, conditions-lost, deny-reopened, subject-breadth, no-effect, sudo-alone, sudo-missing, create-only, kv-v2-path, kv-v2-list, v1-prefix, list-slash, trailing-slash, not "invalid"\n  (ERR_USAGE)\n',
  ],
]

for (const [args, stderr] of WRONG) {
  test(`policy check ${args}: said plainly, exit code 2`, async (t) => {
    const cwd = folderOf(t, { 'sound.json': SOUND })
    mkdirSync(join(cwd, 'empty'))
    const ended = await check(cwd, ...(args === '' ? [] : args.split(' ')))
    assert.deepEqual(ended, { code: 2, stdout: '', stderr })
  })
}

test('nothing is found in the examples, even with --strict', async (t) => {
  for (const folder of ['examples/policies', 'examples/demo/policies']) {
    const { code, stdout } = await check(temporaryFolder(t), '--strict', join(ROOT, folder))
    assert.equal(code, 0, stdout)
  }
})

test('the group and its commands help a newcomer: what each does, an example, exit codes', async (t) => {
  const cwd = temporaryFolder(t)
  const group = await portcullis(['policy', '--help'], { cwd })
  assert.deepEqual([group.code, group.stderr], [0, ''])
  assert.match(group.stdout, /Exit codes: 0 all is well, 1 something was found/)
  for (const command of ['check', 'explain', 'test']) {
    const { code, stdout, stderr } = await portcullis(['policy', command, '--help'], { cwd })
    assert.deepEqual([code, stderr], [0, ''])
    assert.match(stdout, /^Usage: portcullis policy /)
    assert.match(stdout, /Examples:\n {2}portcullis policy /)
    assert.match(stdout, /Exit code 0: /)
  }
})
