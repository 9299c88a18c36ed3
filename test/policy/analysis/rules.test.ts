import assert from 'node:assert/strict'
import { test } from 'node:test'
import { findingsOf, rule } from './support.ts'

const SCHEMA = { properties: { x: { type: 'string' } }, additionalProperties: false }
const NIGHT = [{ from: '22:00', to: '06:00' }]

/** Rules of one policy, and what is found of them: code, pointer and message. */
type Case = readonly [
  name: string,
  rules: readonly object[],
  ...found: readonly (readonly [code: string, pointer: string, message: string | RegExp])[],
]

const CASES: readonly Case[] = [
  [
    'a pattern that the server asks after a wider one is never reached',
    [rule('allow', 'kv/*', ['read']), rule('allow', 'kv/+/b*', ['read'])],
    [
      'unreachable',
      '/rules/1/path',
      'it never decides: of all that its path matches, the server asks rule "rule-0" of "p" ("kv/*") first, since it has fewer "+"',
    ],
  ],
  [
    'also where the wider one grants other operations: its path still is asked alone',
    [rule('allow', 'kv/*', ['read']), rule('allow', 'kv/+/b*', ['delete'])],
    ['unreachable', '/rules/1/path', /asks rule "rule-0"/],
  ],
  [
    'a rule on the same path as one that accepts everything before it is never reached',
    [rule('allow', 'kv/a', ['*']), rule('allow', 'kv/a', ['read', 'list'], { query: SCHEMA })],
    [
      'unreachable',
      '/rules/1',
      'it never decides: rule "rule-0" of "p" ("kv/a") settles all that it names before it; take it out, or change its path or operations',
    ],
  ],
  [
    'several rules together can settle it',
    [rule('allow', 'kv/a', ['read']), rule('deny', 'kv/a', ['delete']), rule('allow', 'kv/a', ['read', 'delete'])],
    ['unreachable', '/rules/2', /rule "rule-0" of "p" \("kv\/a"\) and rule "rule-1" of "p" \("kv\/a"\) settle all/],
  ],
  [
    'one that asks for something leaves the rest to those behind it',
    [rule('allow', 'kv/a', ['write'], { request: SCHEMA }), rule('allow', 'kv/a', ['write'])],
  ],
  [
    'one that only creates is tried last, for a write',
    [rule('allow', 'kv/a', ['create']), rule('allow', 'kv/a', ['create', 'update'])],
    ['unreachable', '/rules/0', /settles all that it names/],
    ['create-only', '/rules/0/operations', /outside of KV v2/],
  ],
  [
    'what a deny on the same path takes whole is never reached',
    [rule('allow', 'kv/a', ['read']), rule('deny', 'kv/a', ['*'])],
    [
      'unreachable',
      '/rules/0',
      'it never allows anything: rule "rule-1" of "p" ("kv/a") denies the same operations on the same path; take one of them out',
    ],
  ],
  [
    'what a deny on the same path takes in part contradicts',
    [rule('allow', 'kv/a', ['read', 'delete']), rule('deny', 'kv/a', ['delete', 'patch'])],
    [
      'contradiction',
      '/rules/0/operations',
      'it allows delete, which rule "rule-1" of "p" ("kv/a") denies on the same path: take that out of its operations',
    ],
  ],
  ['everything but something is plainly meant', [rule('allow', 'kv/a', ['*']), rule('deny', 'kv/a', ['delete'])]],
  [
    'a deny at times does not contradict',
    [rule('allow', 'kv/a', ['read', 'delete']), rule('deny', 'kv/a', ['delete'], { when: NIGHT })],
  ],
  [
    'a grant that is forbidden on its whole path grants nothing',
    [rule('allow', 'kv/prod/a', ['read']), rule('forbid', 'kv/prod/*', ['*'])],
    [
      'forbidden',
      '/rules/0',
      'it grants nothing: rule "rule-1" of "p" ("kv/prod/*") forbids all of its path; take that out, or narrow what is forbidden',
    ],
  ],
  [
    'a grant that is forbidden in part says which operations',
    [rule('allow', 'kv/+/a', ['read', 'delete']), rule('forbid', 'kv/*', ['delete'])],
    ['forbidden', '/rules/0/operations', /^it grants no delete: rule "rule-1"/],
  ],
  [
    'a slash at the end is no way around a forbid, for the check as for the engine',
    [rule('allow', 'kv/a/', ['list']), rule('forbid', 'kv/a', ['list'])],
    ['forbidden', '/rules/0', /grants nothing/],
  ],
  ['a guardrail takes its share of everything', [rule('allow', 'kv/a', ['*']), rule('forbid', 'kv/*', ['delete'])]],
  [
    'a forbid on a part of the path is a guardrail',
    [rule('allow', 'kv/*', ['read']), rule('forbid', 'kv/prod/*', ['*'])],
  ],
  ['a forbid at times is one, too', [rule('allow', 'kv/a', ['read']), rule('forbid', 'kv/*', ['*'], { when: NIGHT })]],
  [
    'a more specific rule without the conditions of the wider one loses them',
    [
      rule('allow', 'transit/encrypt/+', ['write'], { request: SCHEMA, limits: { maxWrapTtl: '5m' }, when: NIGHT }),
      rule('allow', 'transit/encrypt/cards', ['write'], { when: NIGHT }),
    ],
    [
      'conditions-lost',
      '/rules/1/path',
      'where it matches, rule "rule-0" of "p" ("transit/encrypt/+") is not asked, and it has no "request", "limits.maxWrapTtl" as that rule has: repeat what should hold here',
    ],
  ],
  [
    'a more specific rule with all of them, and more, is what such rules are for',
    [
      rule('allow', 'transit/encrypt/+', ['write'], { request: SCHEMA }),
      rule('allow', 'transit/encrypt/cards', ['write', 'patch'], { request: SCHEMA, when: NIGHT }),
    ],
  ],
  [
    'other operations lose nothing',
    [rule('allow', 'kv/+', ['write'], { request: SCHEMA }), rule('allow', 'kv/a', ['read'])],
  ],
  [
    'a wrapped answer that must not be wrapped never comes',
    [rule('allow', 'kv/a', ['read'], { response: SCHEMA, limits: { minWrapTtl: '1m' } })],
    [
      'never-passes',
      '/rules/0/limits',
      /^nothing passes: its limits ask for a wrapped answer, and "response" refuses one/,
    ],
  ],
  [
    'a response that may be wrapped, and has to be, is never looked into',
    [rule('allow', 'kv/a', ['read'], { response: SCHEMA, wrapped: true, limits: { minWrapTtl: '1m' } })],
    ['no-effect', '/rules/0/response', /^"response" has no effect: the answer has to be wrapped/],
  ],
  [
    'data is asked of what carries none',
    [rule('allow', 'kv/a', ['read', 'delete'], { request: { ...SCHEMA, required: ['x'] } })],
    [
      'never-passes',
      '/rules/0/request',
      'nothing passes: "request" asks for data, and read, delete carries none; mean "query"?',
    ],
  ],
  [
    'a request schema that data may be absent from passes reads',
    [rule('allow', 'kv/a', ['read'], { request: SCHEMA })],
  ],
  [
    'a cache of what is not kept has no effect',
    [
      rule('allow', 'transit/encrypt/a', ['write'], { cache: { ttl: '1m' } }),
      rule('allow', 'identity/entity/id/a', ['read'], { cache: { ttl: '1m' } }),
      rule('allow', 'kv/a', ['read'], { cache: { ttl: '1m' }, limits: { maxWrapTtl: '1m' } }),
    ],
    [
      'no-effect',
      '/rules/0/cache',
      '"cache" has no effect: only answers to read and list are kept, and it grants neither; take it out',
    ],
    ['no-effect', '/rules/1/cache', '"cache" has no effect: answers below identity/ are never kept; take it out'],
    ['no-effect', '/rules/2/cache', /its answers have to be wrapped/],
  ],
  [
    'a limit of leases where there are none has no effect',
    [
      rule('allow', 'kv/data/a', ['read'], { limits: { leases: 5, rate: '1/s' } }),
      rule('allow', 'sys/wrapping/lookup', ['write'], { limits: { leases: 5 } }),
      rule('allow', 'database/creds/a', ['list'], { limits: { leases: 5 } }),
      rule('allow', 'database/creds/a', ['read'], { limits: { leases: 5 } }),
    ],
    ['no-effect', '/rules/0/limits/leases', 'the limit "leases" has no effect: KV v2 gives no leases; take it out'],
    ['no-effect', '/rules/1/limits/leases', /nothing below sys\/ gives a lease/],
    ['no-effect', '/rules/2/limits/leases', /only read and write give leases, and it grants neither/],
  ],
  [
    'a rule that counts leases leaves wrapped answers to those behind it',
    [
      rule('allow', 'database/creds/a', ['read'], { limits: { leases: 5 } }),
      rule('allow', 'database/creds/a', ['read'], { limits: { maxWrapTtl: '5m' } }),
    ],
  ],
  ['a cache of what is kept has one', [rule('allow', 'kv/a', ['read'], { cache: { ttl: '1m' } })]],
  [
    'sudo by itself says nothing',
    [rule('allow', 'sys/raw', ['sudo']), rule('deny', 'sys/raw', ['sudo'])],
    ['sudo-alone', '/rules/0/operations', /^"sudo" by itself allows nothing here/],
    ['sudo-alone', '/rules/1/operations', /^"sudo" by itself denies nothing here/],
  ],
  [
    'what the server asks sudo for should say so',
    [
      rule('allow', 'sys/audit/file', ['read']),
      rule('allow', 'sys/plugins/catalog/+/kv', ['read', 'sudo']),
      rule('allow', 'sys/mounts', ['read']),
      rule('allow', 'sys/leases/lookup/a/*', ['list']),
      rule('allow', 'sys/auth/*', ['read']),
    ],
    [
      'sudo-missing',
      '/rules/0/operations',
      'the server asks for sudo on this path: add "sudo", so that the preflight asks for it',
    ],
    ['sudo-missing', '/rules/3/operations', /add "sudo"/],
  ],
  [
    'create alone is not what it seems, nor is update alone to a deny',
    [
      rule('allow', 'kv/data/a', ['create', 'read']),
      rule('allow', 'pki/issue/a', ['create']),
      rule('allow', 'kv/data/b', ['create', 'update']),
      rule('deny', 'kv/data/c', ['create']),
      rule('forbid', 'kv/data/d', ['update']),
      rule('allow', 'kv/data/e', ['update']),
    ],
    ['create-only', '/rules/0/operations', /^on KV v2 each write is sent with "cas": 0/],
    ['create-only', '/rules/1/operations', /^outside of KV v2 the gateway cannot hold a write to creating/],
    [
      'create-only',
      '/rules/3/operations',
      '"create" alone stops every write, update too, since they cannot be told apart before; say "write"',
    ],
    ['create-only', '/rules/4/operations', /^"update" alone stops every write, create too/],
  ],
  [
    'the prefix of the HTTP interface is no part of a path',
    [rule('allow', 'v1/kv/data/a', ['read'])],
    ['v1-prefix', '/rules/0/path', 'paths are relative to /v1/: write "kv/data/a"'],
  ],
  [
    'a path that ends in a slash is that alone',
    [
      rule('allow', 'kv/data/a/', ['read']),
      rule('allow', 'kv/metadata/a/', ['list']),
      rule('forbid', 'kv/data/b/', ['read']),
    ],
    [
      'trailing-slash',
      '/rules/0/path',
      'it matches only the path that ends in a slash: write "kv/data/a/*" for what is below it, or "kv/data/a" for the path itself',
    ],
  ],
  [
    'a listing is asked for with a slash, where another rule may be asked first',
    [rule('allow', 'kv/metadata/+', ['list']), rule('allow', 'kv/metadata/*', ['read'])],
    [
      'list-slash',
      '/rules/0/path',
      'a listing asks for the path with a slash at its end, and rule "rule-1" of "p" ("kv/metadata/*") matches that and grants no list: write "kv/metadata/+/"',
    ],
  ],
  [
    'a listing by an exact path is found before any pattern',
    [rule('allow', 'kv/metadata/a', ['list']), rule('allow', 'kv/metadata/*', ['read'])],
  ],
  [
    'a listing that the other rule grants, too, is no finding',
    [rule('allow', 'kv/metadata/+', ['list']), rule('allow', 'kv/metadata/*', ['list'])],
  ],
]

for (const [name, rules, ...found] of CASES) {
  test(name, async () => {
    const findings = await findingsOf([{ policy: 'p', rules }])
    assert.deepEqual(
      findings.map(({ code, pointer }) => `${code} ${pointer}`),
      found.map(([code, pointer]) => `${code} ${pointer}`),
      findings.map(({ message }) => message).join('\n'),
    )
    for (const [at, [, , message]] of found.entries()) {
      const said = findings[at]?.message ?? ''
      if (typeof message === 'string') assert.equal(said, message)
      else assert.match(said, message)
    }
  })
}
