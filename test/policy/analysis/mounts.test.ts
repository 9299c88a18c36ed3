import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mayShare } from '../../../lib/lease/sharing.ts'
import { NEVER_KEPT } from '../../../lib/policy/analysis/effects.ts'
import { request } from '../support.ts'
import { codesFor, findingsOf, rule } from './support.ts'

test('a path below a KV v2 mount without data or metadata matches no secret', async () => {
  const [finding, ...others] = await findingsOf([{ policy: 'p', rules: [rule('allow', 'secret/orders/*', ['read'])] }])
  assert.deepEqual([finding?.code, finding?.pointer, others], ['kv-v2-path', '/rules/0/path', []])
  assert.equal(
    finding?.message,
    '"secret/" looks like KV v2, where secrets are below data/ and lists below metadata/: write "secret/data/orders/*", or say --kv1 secret',
  )
})

const PATHS: readonly (readonly [path: string, isFound: boolean])[] = [
  ['secret/data/a', false],
  ['secret/metadata/a', false],
  ['secret/config', false],
  ['secret/destroy/a', false],
  ['secret/*', false],
  ['secret/+/a', false],
  ['secret/da*', false],
  ['secret/prod*', true],
  ['secret/a/b', true],
  ['secret', false],
  ['kv/a', false],
  ['secrets/a', false],
]

for (const [path, isFound] of PATHS) {
  test(`${path} ${isFound ? 'is' : 'is not'} taken for a path that lacks data/`, async () => {
    assert.deepEqual(await codesFor(rule('allow', path, ['read'])), isFound ? ['kv-v2-path /rules/0/path'] : [])
  })
}

test('a mount is known by what other rules have of it, in its namespace', async () => {
  const data = rule('allow', 'kv/data/a', ['read'])
  const bare = rule('deny', 'kv/prod/*', ['*'])
  assert.deepEqual(await codesFor(data, bare), ['kv-v2-path /rules/1/path'])
  const apart = [
    { policy: 'a', rules: [data] },
    { policy: 'b', namespace: 'team-b', rules: [bare] },
  ]
  assert.deepEqual(await findingsOf(apart), [])
})

test('which version a mount has can be told', async () => {
  const policy = { policy: 'p', rules: [rule('allow', 'secret/a', ['read']), rule('allow', 'team/kv/a', ['read'])] }
  assert.deepEqual(await findingsOf([policy], { kv1: ['secret'] }), [])
  const codes = (await findingsOf([policy], { kv1: ['secret'], kv2: ['team/kv'] })).map(({ pointer }) => pointer)
  assert.deepEqual(codes, ['/rules/1/path'])
})

test('KV v2 lists below metadata', async () => {
  const [finding, ...others] = await findingsOf([
    {
      policy: 'p',
      rules: [rule('allow', 'kv/data/orders/*', ['read', 'list']), rule('allow', 'kv/data/all/*', ['*'])],
    },
  ])
  assert.deepEqual([finding?.code, finding?.pointer, others], ['kv-v2-list', '/rules/0/operations', []])
  assert.equal(finding?.message, 'KV v2 lists below metadata/: grant list on "kv/metadata/orders/*"')
})

test('what is never kept is what the cache never keeps', () => {
  for (const mount of NEVER_KEPT) assert.equal(mayShare(request('read', `${mount}a`)), false, mount)
  for (const path of ['kv/a', 'totp/keys/a', 'authx/a']) assert.equal(mayShare(request('read', path)), true, path)
})

test('a name that the server takes in any case is denied in one spelling alone', async () => {
  const wide = rule('allow', 'auth/userpass/users/*', ['read', 'write'])
  const [finding, ...others] = await findingsOf([
    { policy: 'p', rules: [wide] },
    { policy: 'guard', rules: [rule('forbid', 'auth/userpass/users/admin', ['write'])] },
  ])
  assert.deepEqual([finding?.code, finding?.severity, finding?.file, others], ['case-variant', 'error', 'p1.json', []])
  assert.equal(
    finding?.message,
    'it is got around: the server takes "auth/userpass/users/ADMIN" for the same name, and rule "rule-0" of "p" ("auth/userpass/users/*") allows that; allow the names that are meant, and leave this rule and the wider one out',
  )
})

const DENIALS: readonly (readonly [path: string, allowed: string, isFound: boolean])[] = [
  ['auth/approle/role/web/secret-id', 'auth/approle/role/*', true],
  ['auth/+/role/WEB', 'auth/*', true],
  ['identity/entity/name/root', 'identity/*', true],
  ['sys/policies/acl/admin*', 'sys/policies/acl/*', true],
  // The same denial in every spelling, a mount that keeps them apart, and nothing that allows another.
  ['auth/userpass/users/+', 'auth/*', false],
  ['auth/userpass/users/17', 'auth/*', false],
  ['auth/token/roles/web', 'auth/*', false],
  ['kv/data/users/admin', 'kv/*', false],
  ['auth/userpass/users/admin', 'auth/userpass/users/admin/*', false],
]

for (const [path, allowed, isFound] of DENIALS) {
  test(`a deny of ${path} ${isFound ? 'is got around' : 'holds'} where ${allowed} is allowed`, async () => {
    const codes = await codesFor(rule('allow', allowed, ['*']), rule('deny', path, ['*']))
    assert.deepEqual(
      codes.filter((code) => code.startsWith('case-variant')),
      isFound ? ['case-variant /rules/1/path'] : [],
    )
  })
}

test('another rule that stops the other spelling, too, is enough', async () => {
  const wide = rule('allow', 'auth/*', ['*'])
  const both = [rule('deny', 'auth/userpass/users/al', ['*']), rule('deny', 'auth/userpass/users/AL', ['*'])]
  assert.deepEqual(await codesFor(wide, ...both), [])
  const forbid = rule('forbid', 'auth/+/users/*', ['*'])
  assert.deepEqual(await codesFor(wide, rule('deny', 'auth/userpass/users/al', ['*']), forbid), [])
})
