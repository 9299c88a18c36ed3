import { type TestContext, test } from 'node:test'
import { type GoPlugin, goPlugin, REDIS_PLUGIN } from '../../../support/go-plugins.ts'
import { everyPath } from './every-path.ts'
import { ask, runScript, type Step } from './script.ts'
import { twoSides } from './sides.ts'

// Plugins that nothing here was written for. They take minutes to build, so that they are there with `SOAK=1` alone.

const PLUGINS: readonly (readonly ['secret' | 'auth', GoPlugin])[] = [
  ['secret', { name: 'vault-plugin-secrets-openldap', version: 'v0.17.0' }],
  ['secret', { name: 'vault-plugin-secrets-alicloud', version: 'v0.21.0' }],
  ['auth', { name: 'vault-plugin-auth-kubernetes', version: 'v0.23.1' }],
  ['auth', { name: 'vault-plugin-auth-kerberos', version: 'v0.17.1' }],
]

const DATABASES: readonly (readonly ['database', GoPlugin])[] = [
  ['database', { name: 'vault-plugin-database-mongodbatlas', version: 'v0.16.0' }],
  ['database', REDIS_PLUGIN],
]

const IS_SOAK = process.env.SOAK === '1'

for (const [type, plugin] of IS_SOAK ? PLUGINS : []) {
  test(`${plugin.name} answers behind a host as behind a server, path by path`, async (t) => {
    const sides = await twoSides(t, { unseen: [type, await goPlugin(t, plugin)] })
    const [root, at] = type === 'auth' ? ['auth/x', 'sys/auth/x'] : ['x', 'sys/mounts/x']
    await runScript(t, sides, [ask('POST', at, { type: 'unseen' }), ask('GET', `${root}?help=1`), ask('GET', at)])
    const steps = await everyPath(sides[0], root)
    await runScript(t, sides, [...steps, ask('POST', 'sys/plugins/reload/backend', { plugin: 'unseen' }), ...steps])
    await runScript(t, sides, [ask('DELETE', at), ask('GET', at)])
  })
}

if (IS_SOAK) test('plugins that nothing was written for are configured behind a host as behind a server', configured)

async function configured(t: TestContext): Promise<void> {
  const programs: Record<string, readonly ['secret' | 'auth' | 'database', string]> = {}
  for (const [type, plugin] of [...PLUGINS, ...DATABASES])
    programs[plugin.name.split('-').at(-1) ?? ''] = [type, await goPlugin(t, plugin)]
  const sides = await twoSides(t, programs)
  await runScript(t, sides, configuration())
}

/** What needs no network, or fails by its absence. openldap is left out: OpenBao lacks calls that its config makes. */
function configuration(): readonly Step[] {
  const k8s = { kubernetes_host: 'http://127.0.0.1:1', disable_local_ca_jwt: true, token_reviewer_jwt: 'x' }
  const bound = { bound_service_account_names: ['a'], bound_service_account_namespaces: ['n'], token_policies: ['p'] }
  const unverified = {
    password: 'very-secret',
    private_key: 'very-secret',
    verify_connection: false,
    allowed_roles: '*',
  }
  return [
    ask('POST', 'sys/mounts/ali', { type: 'alicloud' }),
    ask('POST', 'ali/config', { access_key: 'a', secret_key: 'b' }),
    ask('GET', 'ali/config'),
    ask('POST', 'ali/role/r', { role_arn: 'acs:ram::1:role/x', ttl: '1h' }),
    ask('GET', 'ali/role/r'),
    ask('LIST', 'ali/role'),
    ask('POST', 'sys/auth/k8s', { type: 'kubernetes' }),
    ask('POST', 'auth/k8s/config', k8s),
    ask('GET', 'auth/k8s/config'),
    ask('POST', 'auth/k8s/role/r', bound),
    ask('GET', 'auth/k8s/role/r'),
    ask('POST', 'auth/k8s/login', { role: 'r', jwt: 'a.b.c' }, { token: '' }),
    ask('POST', 'sys/auth/krb', { type: 'kerberos' }),
    ask('POST', 'auth/krb/config', { keytab: 'eA==', service_account: 's' }),
    ask('POST', 'auth/krb/config/ldap', { url: 'ldap://127.0.0.1:1', binddn: 'x' }),
    ask('GET', 'auth/krb/config/ldap'),
    ask('POST', 'auth/krb/groups/g', { policies: 'a,b' }),
    ask('GET', 'auth/krb/groups/g'),
    ask('POST', 'auth/krb/login', {}, { token: '' }),
    ask('POST', 'sys/mounts/db', { type: 'database' }),
    ask('POST', 'db/config/a', { plugin_name: 'mongodbatlas', public_key: 'a', project_id: 'x', ...unverified }),
    ask('GET', 'db/config/a'),
    ask('POST', 'db/roles/r', { db_name: 'a', creation_statements: '{"roles":[]}' }),
    ask('GET', 'db/roles/r'),
    ask('POST', 'db/config/b', { plugin_name: 'redis', host: '127.0.0.1', port: 1, username: 'u', ...unverified }),
    ask('GET', 'db/config/b'),
    ask('POST', 'db/roles/q', { db_name: 'b', creation_statements: '["+@read"]' }),
    ask('GET', 'db/creds/q'),
  ]
}
