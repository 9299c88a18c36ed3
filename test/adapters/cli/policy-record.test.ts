import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { recordLine } from '../../policy/record/record.ts'
import { portcullis, temporaryFolder } from './command.ts'

function folderWith(t: TestContext, lines: readonly string[], rules: readonly object[] = []): string {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'audit.jsonl'), `${lines.join('\n')}\n`)
  writeFileSync(join(folder, 'p.json'), JSON.stringify({ policy: 'p', rules }))
  return folder
}

const LINES = [
  recordLine('read', 'kv/data/a'),
  recordLine('read', 'kv/data/a'),
  recordLine('write', 'transit/encrypt/k', { data: { plaintext: 'AAAA' } }),
  recordLine('read', 'kv/data/b', { effect: 'deny', reason: 'no-rule' }),
]

test('replay prints each decision that changes, alike ones once, and counts', async (t) => {
  const request = { properties: { plaintext: { type: 'string', maxLength: 4 } }, additionalProperties: false }
  const cwd = folderWith(
    t,
    [...LINES, '{torn'],
    [
      { id: 'b', path: 'kv/data/b', operations: ['read'], effect: 'allow' },
      { id: 'k', path: 'transit/encrypt/k', operations: ['write'], effect: 'allow', request },
    ],
  )
  const { code, stdout } = await portcullis(['policy', 'replay', 'audit.jsonl', '--against', 'p.json'], { cwd })
  assert.equal(code, 1)
  assert.equal(
    stdout,
    `allow -> deny  read kv/data/a  by {"service":"orders"}  (no-rule; line 1, 2 times)
allow -> undecidable  write transit/encrypt/k  by {"service":"orders"}  (p/k, request-schema; line 3)
deny -> allow  read kv/data/b  by {"service":"orders"}  (p/b, rule; line 4)
4 requests: 0 decided as before, 2 now denied, 1 now allowed, 1 undecidable
1 lines are no audit entries
`,
  )
})

test('what is suggested passes its own check and replay, from the command line too', async (t) => {
  const cwd = folderWith(t, LINES)
  const suggested = await portcullis(['policy', 'suggest', 'audit.jsonl', '-o', '.'], { cwd })
  assert.deepEqual([suggested.code, suggested.stdout, suggested.stderr], [0, '', '1 policies cover 3 requests\n'])
  const policy = JSON.parse(readFileSync(join(cwd, 'suggested.json'), 'utf8'))
  assert.equal(policy.rules.length, 2)
  assert.equal((await portcullis(['policy', 'check', 'suggested.json'], { cwd })).code, 0)
  const replayed = await portcullis(['policy', 'replay', 'audit.jsonl', '--against', 'suggested.json', '--json'], {
    cwd,
  })
  assert.equal(replayed.code, 0)
  assert.partialDeepStrictEqual(JSON.parse(replayed.stdout), { changes: [], requests: 4, same: 4 })
})

test('wrong use says what to do', async (t) => {
  const cwd = folderWith(t, [...LINES, recordLine('read', 'a/b', { caller: { service: 'other' } })])
  const many = await portcullis(['policy', 'suggest', 'audit.jsonl'], { cwd })
  assert.deepEqual(
    [many.code, many.stderr],
    [2, 'error: 2 policies are suggested: name a folder for them with --out\n  (ERR_USAGE)\n'],
  )
  const none = await portcullis(['policy', 'replay', 'nowhere.jsonl', '--against', 'p.json'], { cwd })
  assert.deepEqual(
    [none.code, none.stderr],
    [2, 'error: nowhere.jsonl cannot be read: there is no such file\n  (ERR_INPUT)\n'],
  )
})
