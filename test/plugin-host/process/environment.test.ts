import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type EnvironmentParts, environmentOf, versionsOf } from '../../../lib/plugin-host/process/environment.ts'

const PARTS: EnvironmentParts = {
  type: 'secret',
  versions: versionsOf('secret'),
  clientCertificate: 'PEM\n',
  socketFolder: '/run/s',
  homeFolder: '/run/h',
  temporaryFolder: '/run/s',
  hostVersion: '1.2.3',
  extra: [],
}

test('a plugin gets the protocol, its folders, the way to programs, and nothing else of the host', () => {
  const host = { PATH: '/bin', LANG: 'de_DE.UTF-8', VAULT_TOKEN: 's.x', HOME: '/root', AWS_SECRET_ACCESS_KEY: 'y' }
  assert.deepEqual(environmentOf(PARTS, host), {
    PATH: '/bin',
    LANG: 'de_DE.UTF-8',
    HOME: '/run/h',
    TMPDIR: '/run/s',
    VAULT_BACKEND_PLUGIN: '6669da05-b1c8-4f49-97d9-c8e5bed98e20',
    VAULT_VERSION: '1.2.3',
    BAO_VERSION: '1.2.3',
    VAULT_PLUGIN_AUTOMTLS_ENABLED: 'true',
    BAO_PLUGIN_AUTOMTLS_ENABLED: 'true',
    VAULT_PLUGIN_METADATA_MODE: 'false',
    BAO_PLUGIN_METADATA_MODE: 'false',
    PLUGIN_PROTOCOL_VERSIONS: '5',
    PLUGIN_CLIENT_CERT: 'PEM\n',
    PLUGIN_UNIX_SOCKET_DIR: '/run/s',
    PLUGIN_MIN_PORT: '10000',
    PLUGIN_MAX_PORT: '25000',
  })
})

test('a database plugin has its own cookie and versions', () => {
  const variables = environmentOf({ ...PARTS, type: 'database', versions: versionsOf('database') }, {})
  assert.equal(variables.VAULT_DATABASE_PLUGIN, '926a0820-aea2-be28-51d6-83cdf00e8edb')
  assert.equal(variables.VAULT_BACKEND_PLUGIN, undefined)
  assert.equal(variables.PLUGIN_PROTOCOL_VERSIONS, '5,6')
})

test('the catalog adds variables, and may move the home', () => {
  const { A, B, HOME } = environmentOf({ ...PARTS, extra: ['A=1', 'B=x=y', 'HOME=/data'] }, {})
  assert.deepEqual({ A, B, HOME }, { A: '1', B: 'x=y', HOME: '/data' })
})

for (const entry of [
  'PLUGIN_CLIENT_CERT=x',
  'PLUGIN_UNIX_SOCKET_DIR=/tmp',
  'VAULT_PLUGIN_AUTOMTLS_ENABLED=false',
  'BAO_PLUGIN_METADATA_MODE=true',
  'VAULT_BACKEND_PLUGIN=x',
  'VAULT_UNWRAP_TOKEN=secret',
  'LD_PRELOAD=/evil.so',
  'NODE_OPTIONS=--import=/evil.mjs',
  'OPENSSL_CONF=/evil.cnf',
  'BASH_ENV=/evil.sh',
  'PERL5OPT=-Mevil',
  'JAVA_TOOL_OPTIONS=-javaagent:/evil.jar',
  'no-name',
  '=secret',
  'A B=secret',
  'A=\0secret',
]) {
  test(`refused, without its value: ${JSON.stringify(entry)}`, () => {
    assert.throws(
      () => environmentOf({ ...PARTS, extra: [entry] }, {}),
      (error: unknown) => error instanceof RangeError && !/secret|evil/.test(error.message),
    )
  })
}
