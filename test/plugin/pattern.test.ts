import assert from 'node:assert/strict'
import { test } from 'node:test'
import { compilePattern } from '../../lib/plugin/pattern.ts'

type Values = Readonly<Record<string, string>> | undefined

const CASES: readonly (readonly [pattern: string, path: string, values: Values])[] = [
  ['config', 'config', {}],
  ['config', 'config/', undefined],
  ['config', 'Config', undefined],
  ['', '', {}],
  ['', 'a', undefined],
  ['creds/:name', 'creds/app', { name: 'app' }],
  ['creds/:name', 'creds/', undefined],
  ['creds/:name', 'creds/a/b', undefined],
  ['creds/:name', 'creds/.*', { name: '.*' }],
  ['keys/:name/config', 'keys/a/config', { name: 'a' }],
  ['sign/:name/:hash?', 'sign/a', { name: 'a' }],
  ['sign/:name/:hash?', 'sign/a/sha2', { name: 'a', hash: 'sha2' }],
  ['sign/:name/:hash?', 'sign/a/', undefined],
  ['data/:path*', 'data', { path: '' }],
  ['data/:path*', 'data/', { path: '' }],
  ['data/:path*', 'data/a/b//c/', { path: 'a/b//c/' }],
  ['data/:path+', 'data/', undefined],
  ['data/:path+', 'data/a/b', { path: 'a/b' }],
  [':path*', '', { path: '' }],
  [':path*', 'a/b', { path: 'a/b' }],
  ['a.c', 'abc', undefined],
]

for (const [pattern, path, values] of CASES) {
  test(`"${pattern}" ${values === undefined ? 'is not' : 'is'} "${path}"`, () =>
    assert.deepEqual(compilePattern(pattern).match(path), values))
}

test('patterns that cannot mean anything are refused', () => {
  for (const pattern of ['/a', 'a/', 'a//b', 'a/:b*/c', 'a/:b?/c', ':a/:a', ':', ':1', 'a/:b-c', ':__proto__'])
    assert.throws(() => compilePattern(pattern), TypeError, pattern)
})

test('special forms are the notation of the servers', () => {
  assert.deepEqual(compilePattern('login/:role').special, ['login/+'])
  assert.deepEqual(compilePattern('login/:role?').special, ['login', 'login/+'])
  assert.deepEqual(compilePattern('open/:path*').special, ['open', 'open/*'])
  assert.deepEqual(compilePattern('open/:path+').special, ['open/*'])
})
