import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { type Ended, portcullis, temporaryFolder } from './command.ts'

const HINT = '(add --help for how it is used)\n'
const CARDS = { properties: { plaintext: { type: 'string', maxLength: 8 } }, additionalProperties: false }
const POLICY = {
  policy: 'orders',
  subject: { properties: { service: { const: 'orders' } }, required: ['service'] },
  rules: [
    { id: 'flags', path: 'kv/data/flags', operations: ['read'], effect: 'allow' },
    { id: 'cards', path: 'transit/encrypt/cards', operations: ['write'], effect: 'allow', request: CARDS },
    {
      id: 'day',
      path: 'kv/data/day',
      operations: ['read'],
      effect: 'allow',
      when: [{ days: ['mon'], from: '09:00', to: '17:00' }],
    },
    { id: 'wrapped', path: 'kv/data/wrapped', operations: ['read'], effect: 'allow', limits: { minWrapTtl: '1m' } },
    {
      id: 'old',
      path: 'kv/data/old',
      operations: ['read'],
      effect: 'allow',
      query: { properties: { version: { const: '2' } }, additionalProperties: false },
    },
  ],
}
const GUARD = { policy: 'guard', rules: [{ id: 'no-sys', path: 'sys/*', operations: ['*'], effect: 'forbid' }] }
const ORDERS = '{"service":"orders"}'

/** A folder with the policies, a test of policies beside them, and data. */
function folderOf(t: TestContext): string {
  const cwd = temporaryFolder(t)
  for (const [name, value] of Object.entries({
    'orders.json': POLICY,
    'guard.json': GUARD,
    'x.policy-test.json': {},
  })) {
    writeFileSync(join(cwd, name), JSON.stringify(value))
  }
  writeFileSync(join(cwd, 'list.txt'), '["planted-secret"]')
  return cwd
}

function explain(cwd: string, args: readonly string[], input?: string): Promise<Ended> {
  return portcullis(['policy', 'explain', '--policies', '.', ...args], {
    cwd,
    ...(input === undefined ? {} : { input }),
  })
}

test('what is allowed is told with policy, rule and reasons, and ends with 0', async (t) => {
  const { code, stdout, stderr } = await explain(folderOf(t), ['--caller', ORDERS, 'read', 'kv/data/flags'])
  assert.deepEqual([code, stderr], [0, ''])
  assert.equal(
    stdout,
    [
      'allowed  read kv/data/flags',
      '  decided by  policy orders, rule flags',
      '  reason      rule',
      '  why         the rule allows it',
      '',
      'policies that bind the caller',
      '  guard',
      '  orders',
      '',
      'rules considered',
      '  *  orders flags  kv/data/flags  allows',
      '',
    ].join('\n'),
  )
})

test('what is refused is told with pointer, keyword and what would pass, without a value, and ends with 1', async (t) => {
  const asked = ['--caller', ORDERS, '--data', '-', 'write', 'transit/encrypt/cards']
  const { code, stdout, stderr } = await explain(folderOf(t), asked, '{"plaintext":"planted-secret"}')
  assert.deepEqual([code, stderr], [1, ''])
  assert.equal(
    stdout.split('\n\n')[0],
    [
      'refused  write transit/encrypt/cards',
      '  decided by  policy orders, rule cards',
      '  reason      request-schema',
      '  why         /data/plaintext must have at most 8 characters (maxLength)',
      '  pointer     /data/plaintext',
      '  keyword     maxLength',
      '  would pass  /data/plaintext must have at most 8 characters',
    ].join('\n'),
  )
  assert.doesNotMatch(stdout, /planted/)
})

test('who is bound by none is told what the policies ask for', async (t) => {
  const { stdout } = await explain(folderOf(t), ['--caller', '{"service":"planted"}', 'read', 'kv/data/flags'])
  assert.match(stdout, /policies that do not\n {2}orders {2}the caller\/service must be "orders" \(const\)\n/)
  assert.doesNotMatch(stdout, /planted/)
})

test('machines get the explanation as it is, for each caller of a chain', async (t) => {
  const asked = ['--json', '--caller', ORDERS, '--caller', '{"user":"u"}', 'list', 'kv/data/flags']
  const { code, stdout } = await explain(folderOf(t), asked)
  const { decision, policies, rules, unbound, wouldPass } = JSON.parse(stdout)
  assert.equal(code, 1)
  assert.deepEqual([decision.reason, wouldPass], ['operation', 'on this path: read'])
  assert.deepEqual([policies, unbound], [['guard', 'orders'], []])
  assert.deepEqual(
    rules.map((note: { link: number; result: string }) => [note.link, note.result]),
    [
      [0, 'silent'],
      [1, 'silent'],
    ],
  )
})

const ASKED: readonly (readonly [args: readonly string[], reason: string])[] = [
  [['--at', '2026-01-05T09:30:00Z', 'read', 'kv/data/day'], 'rule'],
  [['--at', '2026-01-05T09:30:00+09:00', 'read', 'kv/data/day'], 'when'],
  [['--at', '2026-01-06T09:30:00Z', 'read', 'kv/data/day'], 'when'],
  [['--wrap-ttl', '1m', 'read', 'kv/data/wrapped'], 'rule'],
  [['--wrap-ttl', '59s', 'read', 'kv/data/wrapped'], 'request-schema'],
  [['--query', 'version=2', 'read', 'kv/data/old'], 'rule'],
  [['--query', 'version=3', 'read', 'kv/data/old'], 'request-schema'],
  [['--query', 'list=true', 'read', 'kv/data/old'], 'body'],
  [['--namespace', 'team-a', 'read', 'kv/data/flags'], 'no-policy'],
  [['--default-namespace', 'team-a', 'read', 'kv/data/flags'], 'rule'],
  [['read', 'kv/../sys/mounts'], 'path'],
]

for (const [args, reason] of ASKED) {
  test(`policy explain ${args.join(' ')}: ${reason}`, async (t) => {
    const { code, stdout } = await explain(folderOf(t), ['--json', '--caller', ORDERS, ...args])
    assert.equal(JSON.parse(stdout).decision.reason, reason)
    assert.equal(code, reason === 'rule' ? 0 : 1)
  })
}

const WRONG: readonly (readonly [args: readonly string[], stderr: string])[] = [
  [[], `error: missing required argument 'operation'\n${HINT}`],
  [['read'], `error: missing required argument 'path'\n${HINT}`],
  [
    ['create', 'a'],
    'error: the operation must be one of read, list, scan, write, patch, delete, not "create"; what creates or updates is a write\n  (ERR_USAGE)\n',
  ],
  [
    ['get', 'a'],
    'error: the operation must be one of read, list, scan, write, patch, delete, not "get"\n  (ERR_USAGE)\n',
  ],
  [
    ['--caller', 'planted', 'read', 'a'],
    `error: --caller must be a JSON object, such as '{"service":"orders"}'\n  (ERR_USAGE)\n`,
  ],
  [
    ['--caller', '{"a":{"planted":1}}', 'read', 'a'],
    'error: --caller: caller.a must be a string, number, boolean or list of strings, got an object\n  (ERR_USAGE)\n',
  ],
  [
    ['--caller', ORDERS, '--caller', ORDERS, 'read', 'a'],
    'error: --caller: caller.service is set by the parent caller and cannot be overwritten\n  (ERR_USAGE)\n',
  ],
  [
    ['--data', '{"planted":1}', 'write', 'a'],
    'error: --data takes @FILE, or - for standard input: others on the machine can read arguments\n  (ERR_USAGE)\n',
  ],
  [['--data', '@list.txt', 'write', 'a'], 'error: list.txt is no JSON object\n  (ERR_INPUT)\n'],
  [['--data', '-', 'write', 'a'], 'error: standard input is no JSON object\n  (ERR_INPUT)\n'],
  [['--data', '@none', 'write', 'a'], 'error: none cannot be read: there is no such file or folder\n  (ERR_INPUT)\n'],
  [['--query', 'planted', 'read', 'a'], 'error: --query must be name=value, such as version=2\n  (ERR_USAGE)\n'],
  [
    ['--query', 'a=planted', '--query', 'a=2', 'read', 'a'],
    'error: --query a is given twice; a request has one value a name\n  (ERR_USAGE)\n',
  ],
  [['--wrap-ttl', '60', 'read', 'a'], 'error: --wrap-ttl must be such as 60s, 5m or 1h, not "60"\n  (ERR_USAGE)\n'],
  [
    ['--at', 'noon', 'read', 'a'],
    'error: --at must be a time with its zone, such as 2026-01-05T09:30:00Z, not "noon"\n  (ERR_USAGE)\n',
  ],
  [
    ['--default-namespace', '/x', 'read', 'a'],
    'error: --default-namespace: namespace is not canonical: a namespace has no slash at either end and no empty, . or .. segment: team-a/sub, or "" for the root\n  (ERR_USAGE)\n',
  ],
  [['--polices', 'x', 'read', 'a'], `error: unknown option '--polices'\n(Did you mean --policies?)\n${HINT}`],
]

for (const [args, stderr] of WRONG) {
  test(`policy explain ${args.join(' ')}: said plainly, exit code 2`, async (t) => {
    assert.deepEqual(await explain(folderOf(t), args), { code: 2, stdout: '', stderr })
    assert.doesNotMatch(stderr, /planted/)
  })
}

test('policies have to be named, and to be there', async (t) => {
  const cwd = folderOf(t)
  const missing = await portcullis(['policy', 'explain', 'read', 'a'], { cwd })
  assert.deepEqual(missing, {
    code: 2,
    stdout: '',
    stderr: `error: required option '--policies <path>' not specified\n${HINT}`,
  })
  const none = await portcullis(['policy', 'explain', '--policies', 'none', 'read', 'a'], { cwd })
  assert.deepEqual(none, {
    code: 2,
    stdout: '',
    stderr: 'error: none cannot be read: there is no such file or folder\n  (ERR_INPUT)\n',
  })
  writeFileSync(
    join(cwd, 'bad.json'),
    '{"policy":"bad","rules":[{"path":"/a","operations":["read"],"effect":"allow"}]}',
  )
  const bad = await portcullis(['policy', 'explain', '--policies', 'bad.json', 'read', 'a'], { cwd })
  assert.equal(bad.code, 2)
  assert.match(
    bad.stderr,
    /^error: bad\.json at \/rules\/0\/path: a path has no leading slash; it is relative to \/v1\/\n/,
  )
})

test('what policies of mode shadow would decide is told apart, and changes no exit code', async (t) => {
  const cwd = folderOf(t)
  const rules = [{ id: 'closed', path: 'kv/data/flags', operations: ['*'], effect: 'forbid' }]
  writeFileSync(join(cwd, 'next.json'), JSON.stringify({ policy: 'next', mode: 'shadow', rules }))
  const { code, stdout } = await explain(cwd, ['--caller', ORDERS, 'read', 'kv/data/flags'])
  assert.equal(code, 0)
  const [is, would = ''] = stdout.split('\nif the policies of mode shadow were enforced, too\n')
  assert.match(is ?? '', /^allowed {2}read kv\/data\/flags\n/)
  assert.doesNotMatch(is ?? '', /next/)
  assert.match(would, /^refused {2}read kv\/data\/flags\n {2}decided by {2}policy next, rule closed\n/)
  assert.match(would, /\npolicies of mode shadow that bind the caller\n {2}next\n/)
  assert.match(would, /\n {2}\* {2}next closed +kv\/data\/flags +forbids\n/)
})
