import { ask, differs, type Step } from './script.ts'

const NO_ROTATION = 'OpenBao does not serve the calls of Vault for rotation'

/** A change of configuration that OpenBao cannot serve; the plugin words it in one of two ways. */
export function rotating(path: string, body: object, word = 'deregistering'): Step {
  const unknown =
    'rpc error: code = Unimplemented desc = unknown method DeregisterRotationJob for service pb.SystemView'
  const errors = [`error ${word} rotation job: ${unknown}`]
  return ask('POST', path, body, differs(NO_ROTATION, { status: 400, errors }, { status: 204 }))
}

/** What follows from that: without a configuration there, with it here. */
function unconfigured(method: string, path: string, body: object | undefined, there: string, here: string): Step {
  const server = { status: 500, errors: [`1 error occurred:\n\t* ${there}\n\n`] }
  return ask(method, path, body, differs(NO_ROTATION, server, { status: 400, errors: [here] }))
}

/** Plugins of clouds, each mounted by its last name, as far as they go where no cloud is: configured, listed, refused. */
export function cloudScript(): readonly Step[] {
  return [
    ...mounts(),
    ...secretsEngines(),
    ...authMethods(),
    ...databases(),
    ...['ad', 'azure', 'gcp', 'gcpkms', 'mongodbatlas'].map((path) => ask('DELETE', `sys/mounts/${path}`)),
    ...['alicloud', 'azure', 'cf', 'gcp', 'oci'].map((path) => ask('DELETE', `sys/auth/${path}`)),
  ]
}

function mounts(): readonly Step[] {
  const secrets = ['ad', 'azure', 'gcp', 'gcpkms', 'mongodbatlas']
  const auths = ['alicloud', 'azure', 'cf', 'gcp', 'oci']
  return [
    ...secrets.map((name) => ask('POST', `sys/mounts/${name}`, { type: `secrets-${name}` })),
    ...auths.map((name) => ask('POST', `sys/auth/${name}`, { type: `auth-${name}` })),
    ask('POST', 'sys/mounts/db', { type: 'database' }),
  ]
}

function secretsEngines(): readonly Step[] {
  const key = {
    type: 'service_account',
    client_email: 'a@b.iam.gserviceaccount.com',
    private_key: 'x',
    project_id: 'p',
  }
  return [
    ask('POST', 'ad/config', { binddn: 'cn=admin', bindpass: 'x', url: 'ldap://127.0.0.1:1', userdn: 'dc=a' }),
    ask('GET', 'ad/config'),
    ask('POST', 'ad/config', { length: 5 }),
    ask('POST', 'ad/roles/r', { service_account_name: 'app@a', ttl: 60 }),
    ask('GET', 'ad/roles/r'),
    ask('LIST', 'ad/roles'),
    ask('GET', 'ad/creds/r'),
    ask('POST', 'ad/library/l', { service_account_names: 'a@a,b@a' }),
    ask('GET', 'ad/library/l/status'),
    ask('POST', 'ad/library/l/check-out', {}),
    ask('GET', 'ad/creds/none'),
    rotating(
      'azure/config',
      { subscription_id: 's', tenant_id: 't', client_id: 'c', client_secret: 'x' },
      'de-registering',
    ),
    unconfigured(
      'POST',
      'azure/roles/r',
      { azure_roles: 'nonsense' },
      'config is nil',
      "error parsing Azure roles 'nonsense': invalid character 'o' in literal null (expecting 'u')",
    ),
    unconfigured(
      'POST',
      'azure/roles/r',
      { application_object_id: 'o', ttl: '1h', max_ttl: '1m' },
      'config is nil',
      'ttl cannot be greater than max_ttl',
    ),
    ask('LIST', 'azure/roles'),
    unconfigured('GET', 'azure/creds/r', undefined, 'subscription_id is required', "role 'r' does not exist"),
    ask('POST', 'gcp/config', { credentials: 'nonsense' }),
    rotating('gcp/config', { credentials: JSON.stringify(key), ttl: '1h' }),
    ask('POST', 'gcp/roleset/r', { project: 'p', secret_type: 'access_token', bindings: 'nonsense' }),
    ask('POST', 'gcp/static-account/s', { service_account_email: 'a@b', secret_type: 'nonsense' }),
    ask('LIST', 'gcp/rolesets'),
    ask('GET', 'gcp/roleset/none/token'),
    ask('GET', 'gcp/impersonated-account/none/token'),
    ask('POST', 'gcpkms/config', { credentials: 'nonsense' }),
    ask('POST', 'gcpkms/config', { credentials: JSON.stringify(key) }),
    ask('GET', 'gcpkms/config'),
    ask('LIST', 'gcpkms/keys'),
    ask('POST', 'gcpkms/encrypt/k', { plaintext: 'a' }),
    ask('DELETE', 'gcpkms/config'),
    ask('POST', 'mongodbatlas/config', { public_key: 'a', private_key: 'b' }),
    ask('GET', 'mongodbatlas/config'),
    ask('POST', 'mongodbatlas/roles/r', { roles: 'ORG_READ_ONLY' }),
    ask('POST', 'mongodbatlas/roles/r', { roles: 'ORG_READ_ONLY', organization_id: 'o', ttl: '1h', max_ttl: '2h' }),
    ask('GET', 'mongodbatlas/roles/r'),
    ask('LIST', 'mongodbatlas/roles'),
    ask('GET', 'mongodbatlas/creds/none'),
  ]
}

function authMethods(): readonly Step[] {
  const login = (path: string, body: object): Step => ask('POST', path, body, { token: '' })
  return [
    ask('POST', 'auth/alicloud/role/dev', {
      arn: 'acs:ram::5138828231865461:role/dev',
      token_policies: 'p',
      token_ttl: '1h',
    }),
    ask('POST', 'auth/alicloud/role/other', { arn: 'nonsense' }),
    ask('GET', 'auth/alicloud/role/dev'),
    ask('LIST', 'auth/alicloud/roles'),
    login('auth/alicloud/login', { role: 'dev' }),
    login('auth/alicloud/login', {
      role: 'dev',
      identity_request_url: 'aHR0cDovL2E=',
      identity_request_headers: 'e30=',
    }),
    ask('POST', 'auth/azure/config', { tenant_id: 't', resource: 'r', environment: 'nonsense' }),
    ask('GET', 'auth/azure/config'),
    ask('POST', 'auth/azure/role/r', { bound_subscription_ids: 's', token_policies: ['a'] }),
    ask('POST', 'auth/azure/role/r', { token_policies: ['a'], token_period: '1h' }),
    ask('GET', 'auth/azure/role/r'),
    login('auth/azure/login', { role: 'r', jwt: 'a.b.c' }),
    login('auth/azure/login', { role: 'none', jwt: 'a.b.c' }),
    login('auth/azure/login', {}),
    ask('POST', 'auth/cf/config', {
      identity_ca_certificates: 'x',
      cf_api_addr: 'http://127.0.0.1:1',
      cf_username: 'u',
      cf_password: 'p',
    }),
    ask('GET', 'auth/cf/config'),
    ask('POST', 'auth/cf/roles/r', { bound_application_ids: 'a', token_policies: 'p' }),
    ask('GET', 'auth/cf/roles/r'),
    ask('LIST', 'auth/cf/roles'),
    login('auth/cf/login', { role: 'r', signing_time: 'nonsense', signature: 'x', cf_instance_cert: 'x' }),
    ask('POST', 'auth/gcp/role/r', { type: 'iam', bound_service_accounts: 'a@b', token_policies: 'p' }),
    ask('POST', 'auth/gcp/role/g', { type: 'gce', bound_projects: 'p', bound_zones: 'z' }),
    ask('POST', 'auth/gcp/role/n', { type: 'nonsense' }),
    ask('GET', 'auth/gcp/role/g'),
    ask('LIST', 'auth/gcp/roles'),
    login('auth/gcp/login', { role: 'r', jwt: 'a.b.c' }),
    ask('POST', 'auth/gcp/role/g/labels', { add: ['a:b'] }),
    ask('POST', 'auth/oci/config', { home_tenancy_id: 'ocid1.tenancy.oc1..a' }),
    ask('GET', 'auth/oci/config'),
    ask('POST', 'auth/oci/role/r', { ocid_list: 'ocid1.group.oc1..a', token_policies: 'p' }),
    ask('GET', 'auth/oci/role/r'),
    login('auth/oci/login/r', { request_headers: {} }),
    login('auth/oci/login/none', { request_headers: { date: ['x'] } }),
  ]
}

function databases(): readonly Step[] {
  const common = { verify_connection: false, allowed_roles: '*', username: 'u', password: 'very-secret' }
  const nowhere = 'couchbase://127.0.0.1:1'
  return [
    ask('POST', 'db/config/cb', { plugin_name: 'database-couchbase', hosts: nowhere, ...common }),
    ask('GET', 'db/config/cb'),
    ask('POST', 'db/config/cb2', { plugin_name: 'database-couchbase', ...common }),
    ask('POST', 'db/roles/cb', {
      db_name: 'cb',
      creation_statements: '{"roles":[{"role":"ro_admin"}]}',
      default_ttl: '1h',
    }),
    ask('POST', 'db/config/sf', {
      plugin_name: 'database-snowflake',
      connection_url: '{{username}}:{{password}}@a/b',
      ...common,
    }),
    ask('GET', 'db/config/sf'),
    ask('POST', 'db/config/sf2', { plugin_name: 'database-snowflake', ...common }),
    ask('POST', 'db/roles/sf', { db_name: 'sf', creation_statements: 'CREATE USER' }),
    ask('POST', 'db/config/ec', {
      plugin_name: 'database-redis-elasticache',
      url: 'a.cache.amazonaws.com:6379',
      region: 'us-east-1',
      ...common,
    }),
    ask('GET', 'db/config/ec'),
    ask('POST', 'db/roles/ec', { db_name: 'ec', creation_statements: '["+@all"]' }),
    ask('GET', 'db/creds/ec'),
    ask('POST', 'db/static-roles/ec', { db_name: 'ec', username: 'u', rotation_period: 3600 }),
    ask('POST', 'db/reset/ec', {}),
    ask('LIST', 'db/config'),
    ask('LIST', 'db/roles'),
    ask('DELETE', 'db/config/cb'),
    ask('DELETE', 'db/config/sf'),
  ]
}
