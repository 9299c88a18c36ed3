import assert from 'node:assert/strict'
import { cpSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ROOT } from '../../support/imports.ts'
import { portcullis, temporaryFolder } from './command.ts'

const HINT = '(add --help for how it is used)\n'
const RULES = [
  { id: 'a', path: 'kv/a', operations: ['read'], effect: 'allow' },
  { id: 'b', path: 'kv/b', operations: ['read'], effect: 'allow' },
]
const READ_A = { name: 'a is read', operation: 'read', path: 'kv/a', expect: { effect: 'allow', rule: 'a' } }

/** A folder with policies below `policies/` and a table of `tests` beside them. */
function folderOf(t: TestContext, ...tests: readonly object[]): string {
  const cwd = temporaryFolder(t)
  mkdirSync(join(cwd, 'policies'))
  writeFileSync(join(cwd, 'policies/p.json'), JSON.stringify({ policy: 'p', rules: RULES }))
  writeFileSync(join(cwd, 'policies/p.policy-test.json'), JSON.stringify({ tests }, undefined, 2))
  return cwd
}

test('rows that are as expected end with 0, and what no row was decided by is told', async (t) => {
  const ended = await portcullis(['policy', 'test', 'policies'], { cwd: folderOf(t, READ_A) })
  const lines = [
    'rules that no row was decided by',
    '  p b  policies/p.json',
    '1 of 2 rules decided a row (50 %)',
    '1 rows: 1 as expected, 0 not',
  ]
  assert.deepEqual(ended, { code: 0, stdout: `${lines.join('\n')}\n`, stderr: '' })
})

test('a row that is not as expected is shown with its place, what differs, and why; it ends with 1', async (t) => {
  const data = { secret: 'planted-value' }
  const wrong = { operation: 'write', path: 'kv/a', data, expect: { effect: 'allow', rule: 'c', keyword: null } }
  const cwd = folderOf(t, READ_A, wrong)
  const { code, stdout, stderr } = await portcullis(['policy', 'test', 'policies', '--no-coverage'], { cwd })
  const lines = [
    'not as expected  write kv/a  policies/p.policy-test.json:12:5',
    '            expected  got',
    '    effect  allow     deny',
    '    rule    c         a',
    '  why: the most specific path that matches, "kv/a", does not grant write (operation)',
    '    *  p a  kv/a  does not grant write',
    '',
    '2 rows: 1 as expected, 1 not',
  ]
  assert.deepEqual([code, stdout, stderr], [1, `${lines.join('\n')}\n`, ''])
})

test('fewer rules than asked for end with 1', async (t) => {
  const cwd = folderOf(t, READ_A)
  const enough = await portcullis(['policy', 'test', 'policies', '--min-coverage', '50'], { cwd })
  assert.equal(enough.code, 0)
  const short = await portcullis(['policy', 'test', 'policies', '--min-coverage', '50.1'], { cwd })
  assert.equal(short.code, 1)
  assert.match(short.stdout, /\nfewer than 50\.1 % of the rules decided a row\n1 rows: 1 as expected, 0 not\n$/)
})

test('several tables over the same policies count together, however they name them', async (t) => {
  const cwd = folderOf(t, READ_A)
  const table = { policies: ['../policies/p.json'], tests: [{ operation: 'read', path: 'kv/b', expect: 'allow' }] }
  mkdirSync(join(cwd, 'tests'))
  writeFileSync(join(cwd, 'tests/more.policy-test.json'), JSON.stringify(table))
  const { code, stdout } = await portcullis(['policy', 'test', './policies', 'tests', '--min-coverage', '100'], { cwd })
  assert.deepEqual([code, stdout], [0, '2 of 2 rules decided a row (100 %)\n2 rows: 2 as expected, 0 not\n'])
})

test('machines get every row with its place, and the coverage', async (t) => {
  const { code, stdout, stderr } = await portcullis(['policy', 'test', 'policies', '--json'], {
    cwd: folderOf(t, READ_A),
  })
  const { passed, failed, coverage, rows } = JSON.parse(stdout)
  assert.deepEqual([code, stderr, passed, failed, coverage.percent], [0, '', 1, 0, 50])
  const [{ file, line, column, name, asked, differences, explanation }] = rows
  assert.deepEqual([file, line, column], ['policies/p.policy-test.json', 3, 5])
  assert.deepEqual([name, asked, differences, explanation.decision.rule], ['a is read', 'read kv/a', [], 'a'])
})

const WRONG: readonly (readonly [args: string, stderr: string])[] = [
  ['', `error: missing required argument 'paths'\n${HINT}`],
  ['none', 'error: none cannot be read: there is no such file or folder\n  (ERR_INPUT)\n'],
  ['.', 'error: there is no test of policies in .: none of its files ends in .policy-test.json\n  (ERR_INPUT)\n'],
  ['policies --min-coverage 101', 'error: --min-coverage must be from 0 to 100, not "101"\n  (ERR_USAGE)\n'],
  ['policies --min-coverage all', 'error: --min-coverage must be from 0 to 100, not "all"\n  (ERR_USAGE)\n'],
  ['policies --no-coverag', `error: unknown option '--no-coverag'\n(Did you mean --no-coverage?)\n${HINT}`],
]

for (const [args, stderr] of WRONG) {
  test(`policy test ${args}: said plainly, exit code 2`, async (t) => {
    const words = args === '' ? [] : args.split(' ')
    const ended = await portcullis(['policy', 'test', ...words], { cwd: folderOf(t, READ_A) })
    assert.deepEqual(ended, { code: 2, stdout: '', stderr })
  })
}

test('a table, or policies, that cannot be read end with 2 and say where', async (t) => {
  const cwd = folderOf(t, { ...READ_A, operation: 'get' })
  const table = await portcullis(['policy', 'test', 'policies'], { cwd })
  assert.equal(table.code, 2)
  assert.match(table.stderr, /^error: policies\/p\.policy-test\.json at \/tests\/0\/operation: must be one of read, /)
  const none = JSON.stringify({ policies: ['none'], tests: [READ_A] })
  writeFileSync(join(cwd, 'policies/p.policy-test.json'), none)
  const policies = await portcullis(['policy', 'test', 'policies'], { cwd })
  assert.deepEqual(
    [policies.code, policies.stderr.split('\n')[0]],
    [2, 'error: policies/none cannot be read: there is no such file or folder'],
  )
})

test('the policies of examples/policies say what their table expects, and every rule of them decides a row', async (t) => {
  const cwd = temporaryFolder(t)
  cpSync(join(ROOT, 'examples/policies'), cwd, { recursive: true })
  const { code, stdout } = await portcullis(['policy', 'test', '.', '--min-coverage', '100'], { cwd })
  assert.equal(code, 0, stdout)
  assert.match(stdout, /^(\d+) of \1 rules decided a row \(100 %\)\n(\d+) rows: \2 as expected, 0 not\n$/)
})
