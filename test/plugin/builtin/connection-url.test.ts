import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readConfig } from '../../../lib/plugin/builtin/postgresql/config.ts'
import { readConnectionUrl, type Target } from '../../../lib/plugin/builtin/postgresql/connection-url.ts'
import { PluginRefusal } from '../../../lib/plugin/refusal.ts'

const LOGIN = { username: 'admin', password: 'pw', isEncoded: false }
const STANDARD: Target = {
  host: 'db.example',
  port: 5432,
  user: 'admin',
  password: 'pw',
  database: 'app',
  sslmode: undefined,
  connectTimeoutMs: 10_000,
  applicationName: undefined,
  options: '',
}

const READ: readonly (readonly [url: string, target: Partial<Target>])[] = [
  ['postgresql://{{username}}:{{password}}@db.example/app', {}],
  ['postgres://{{username}}:{{password}}@db.example:6432/app?sslmode=disable', { port: 6432, sslmode: 'disable' }],
  ['postgresql://a%40b:p%3Aw@db.example/my%20db', { user: 'a@b', password: 'p:w', database: 'my db' }],
  ['postgresql://{{username}}:{{password}}@[::1]:5433/app', { host: '::1', port: 5433 }],
  ['postgresql://{{username}}:{{password}}@/app?host=/run/pg', { host: '/run/pg' }],
  ['postgresql://%7B%7Busername%7D%7D:{{password}}@db.example/app', {}],
  ["host=db.example user={{username}} password={{password}} dbname='app' port=1", { port: 1 }],
  ["host=db.example user='it\\'s' password = pw dbname=app", { user: "it's" }],
  [
    'postgresql://{{username}}:{{password}}@db.example/app?search_path=a b&connect_timeout=3&application_name=x',
    { options: '-c search_path=a\\ b', connectTimeoutMs: 3_000, applicationName: 'x' },
  ],
]

for (const [url, target] of READ)
  test(`a connection is read: ${url}`, () =>
    assert.deepEqual(readConnectionUrl(url, LOGIN), { ...STANDARD, ...target }))

const HOSTILE = [
  '@evil.example/',
  'x@evil.example:1/db?sslmode=disable#',
  '?host=evil.example&sslmode=disable',
  " host=evil.example password='",
  "' host='evil.example",
  '{{username}}',
  '%40evil.example/',
  '\\',
]

for (const password of HOSTILE)
  test(`a password stays one: ${password}`, () => {
    for (const url of [
      'postgresql://{{username}}:{{password}}@db.example/app?sslmode=verify-full',
      'host=db.example user={{username}} password={{password}} dbname=app sslmode=verify-full',
      "host=db.example user={{username}} password='{{password}}' dbname=app sslmode=verify-full",
    ])
      assert.deepEqual(readConnectionUrl(url, { ...LOGIN, password }), {
        ...STANDARD,
        password,
        sslmode: 'verify-full',
      })
  })

test('a login that is encoded already is decoded in a URL', () => {
  const url = 'postgresql://{{username}}:{{password}}@db.example/app'
  assert.equal(readConnectionUrl(url, { ...LOGIN, password: 'p%40w', isEncoded: true }).password, 'p@w')
})

const REFUSED = [
  'mysql://db.example/app',
  'just words',
  'postgresql://a:b@one,two/app',
  'postgresql://a:b@db.example:99999/app',
  'postgresql://a:b@db.example:0/app',
  'postgresql://a:%zz@db.example/app',
  'postgresql://a:b@db.example/app?sslrootcert=/etc/passwd',
  'postgresql://a:b@db.example/app?-c%20x=1',
  'host=one,two user=a',
  "host='open",
  '',
]

for (const url of REFUSED)
  test(`a connection_url is refused: ${url}`, () =>
    assert.throws(() => readConfig({ connection_url: url }), { name: 'PluginRefusal', message: /^connection_url/ }))

test('TLS follows sslmode, and nobody is believed who should be verified', () => {
  const tls = (query: string, more = {}) => {
    const config = readConfig({ connection_url: `postgresql://a:b@db.example/app${query}`, ...more })
    return [config.tls === false ? 'none' : config.tls.rejectUnauthorized, config.mayBePlain]
  }
  assert.deepEqual(tls(''), [false, true])
  assert.deepEqual(tls('?sslmode=disable'), ['none', false])
  assert.deepEqual(tls('?sslmode=require'), [false, false])
  assert.deepEqual(tls('?sslmode=require', { tls_ca: 'PEM' }), [true, false])
  assert.deepEqual(tls('?sslmode=verify-ca'), [true, false])
  assert.deepEqual(tls('?sslmode=verify-full'), [true, false])
  assert.deepEqual(tls('', { tls_ca: 'PEM' }), [true, false])
  assert.throws(() => tls('?sslmode=none'), PluginRefusal)
})

test('limits are read as the server reads them', () => {
  const limits = (more: object) => {
    const { maxOpen, maxIdle, maxLifetimeSeconds } = readConfig({ connection_url: 'host=x', ...more })
    return [maxOpen, maxIdle, maxLifetimeSeconds]
  }
  assert.deepEqual(limits({}), [4, 4, 0])
  assert.deepEqual(limits({ max_open_connections: '7', max_idle_connections: 2 }), [7, 2, 0])
  assert.deepEqual(limits({ max_open_connections: 2, max_idle_connections: 9 }), [2, 2, 0])
  assert.deepEqual(limits({ max_idle_connections: -1, max_connection_lifetime: '5m' }), [4, 0, 300])
  assert.throws(() => limits({ max_open_connections: 'many' }), { name: 'PluginRefusal', message: /max_open/ })
  assert.throws(() => limits({ password_authentication: 'md5' }), { name: 'PluginRefusal' })
})
