import { ask, type Step } from './script.ts'

const UNREADABLE =
  "unable to create new user: unable to read creation_statements: unable to unmarshal nonsense: invalid character 'o' in literal null (expecting 'u')"

function statusOfGrpc(server: string, host: string): Pick<Step, 'differs'> {
  return {
    differs: { because: 'a server tells how its plugins are called, too', in: [['body.errors[0]', server, host]] },
  }
}

/** The database engine at `db/`, over the elasticsearch plugin, registered as `es`, and an API at `{api}`. */
export function databaseScript(): readonly Step[] {
  const config = { plugin_name: 'es', url: '{api}', username: 'admin', password: 'very-secret' }
  const creation = JSON.stringify({ elasticsearch_roles: ['r'] })
  return [
    ask('POST', 'sys/mounts/db', { type: 'database' }),
    ask('GET', 'db/config/a'),
    ask('LIST', 'db/config'),
    ask('LIST', 'db/roles'),
    ask('GET', 'db/creds/none'),
    ask('POST', 'db/config/a', {}),
    ask('POST', 'db/config/a', { plugin_name: 'none' }),
    ask(
      'POST',
      'db/config/a',
      { plugin_name: 'es' },
      statusOfGrpc(
        'error creating database object: unable to initialize: rpc error: code = Internal desc = failed to initialize: "username" must be provided',
        'error creating database object: failed to initialize: "username" must be provided',
      ),
    ),
    ask('POST', 'db/config/a', { ...config, allowed_roles: 'one,two', verify_connection: false }),
    ask('GET', 'db/config/a'),
    ask('POST', 'db/config/a', { ...config, allowed_roles: ['one', 'bad'] }),
    ask('GET', 'db/config/a'),
    ask('LIST', 'db/config'),
    ask('POST', 'db/roles/one', {}),
    ask('POST', 'db/roles/one', { db_name: 'a' }),
    ask('POST', 'db/roles/one', { db_name: 'a', default_ttl: '2h', max_ttl: '1h', creation_statements: creation }),
    ask('POST', 'db/roles/one', { db_name: 'a', default_ttl: '5m', max_ttl: '1h', creation_statements: creation }),
    ask('POST', 'db/roles/bad', { db_name: 'a', creation_statements: ['nonsense'] }),
    ask('POST', 'db/roles/three', { db_name: 'a', creation_statements: creation }),
    ask('POST', 'db/roles/four', { db_name: 'none', creation_statements: creation }),
    ask('POST', 'db/roles/five', { db_name: 'a', credential_type: 'nonsense' }),
    ask('GET', 'db/roles/one'),
    ask('GET', 'db/roles/none'),
    ask('LIST', 'db/roles'),
    ask('GET', 'db/roles?list=true'),
    ask('GET', 'db/creds/one', undefined, { ...NAMED, keep: { dblease: 'body.lease_id' } }),
    ask(
      'GET',
      'db/creds/bad',
      undefined,
      statusOfGrpc(
        `1 error occurred:\n\t* unable to create new user: rpc error: code = Internal desc = ${UNREADABLE}\n\n`,
        `1 error occurred:\n\t* ${UNREADABLE}\n\n`,
      ),
    ),
    ask('GET', 'db/creds/three'),
    ask('GET', 'db/creds/four'),
    ask('POST', 'db/creds/one', {}),
    ask('LIST', 'db/creds'),
    ask('POST', 'sys/leases/lookup', { lease_id: '{dblease}' }),
    ask('POST', 'sys/leases/renew', { lease_id: '{dblease}', increment: 600 }),
    ask('POST', 'sys/leases/renew', { lease_id: '{dblease}', increment: 99_999 }),
    ask('POST', 'sys/leases/revoke', { lease_id: '{dblease}', sync: true }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{dblease}' }),
    ask('POST', 'db/reset/a', {}),
    ask('POST', 'db/reset/none', {}),
    ask('GET', 'db/static-roles/none'),
    ask('LIST', 'db/static-roles'),
    ask('POST', 'db/static-roles/s', {}),
    ask('POST', 'db/static-roles/s', { db_name: 'a', username: 'u' }),
    ask('GET', 'db/static-creds/none'),
    ask('POST', 'db/rotate-role/none', {}),
    ask('POST', 'db/rotate-root/none', {}),
    ask('GET', 'db/none'),
    ask('POST', 'db/none', {}),
    ask('DELETE', 'db/roles/one'),
    ask('DELETE', 'db/roles/one'),
    ask('GET', 'db/creds/one'),
    ask('DELETE', 'db/config/a'),
    ask('GET', 'db/config/a'),
    ask('DELETE', 'db/config/none'),
    ask('PATCH', 'db/config/a', {}),
    ask('DELETE', 'sys/mounts/db'),
  ]
}

const NAMED: Pick<Step, 'part'> = { part: { because: 'user and password are made by chance', at: ['lease_duration'] } }
