import { noJson } from './mock.ts'
import { ask, differs, type Step } from './script.ts'

const OWN_MOUNTS = 'a server in dev mode comes with mounts of its own'
const BUILTINS = 'a server comes with many more plugins'

export const UPGRADED: Pick<Step, 'differs'> = differs(
  'the server tells of an upgrade under way, with versions that are not those; in the host it is over when it is answered',
  {
    status: 200,
    warnings: [
      'Upgrading mount from version 0 to version 0. This mount will be unavailable for a brief period and will resume service shortly.',
    ],
  },
  { status: 204 },
)

const OLD_CATALOG = 'an older form of the path, without a type, which the server still takes'
const UNKNOWN_TYPE = { status: 400, errors: ['unknown plugin type "nonsense"'] }

/** What is administered at `sys/`: catalog, mounts, their tuning, reloads, wrapping, capabilities. The mock is registered as `mock`. */
export function sysScript(): readonly Step[] {
  return [...catalog(), ...mounts(), ...tune(), ...reload(), ...wrapping(), ...cubbyhole(), ...tokens(), ...odd()]
}

function catalog(): readonly Step[] {
  const path = 'sys/plugins/catalog'
  const entry = { command: '{mock_command}', sha256: '{mock_sha256}' }
  return [
    ask('GET', `${path}/secret/mock`),
    ask('GET', `${path}/secret/none`),
    ask('GET', `${path}/auth/mock`),
    ask(
      'GET',
      `${path}/nonsense/mock`,
      undefined,
      differs(
        OLD_CATALOG,
        {
          status: 200,
          warnings: ['Deprecated API endpoint, cannot read plugin information from catalog for "nonsense/mock"'],
        },
        UNKNOWN_TYPE,
      ),
    ),
    ask('GET', `${path}/secret/mock?version=v9.9.9`),
    ask(
      'LIST',
      `${path}/nonsense`,
      undefined,
      differs(OLD_CATALOG, { status: 405, errors: ['1 error occurred:\n\t* unsupported operation\n\n'] }, UNKNOWN_TYPE),
    ),
    ask('LIST', `${path}/secret`, undefined, { part: { because: BUILTINS, at: ['errors'] } }),
    ask('GET', `${path}/secret`),
    ask('GET', path, undefined, { part: { because: BUILTINS, at: ['errors'] } }),
    ask('POST', `${path}/secret/new`, {}),
    ask('POST', `${path}/secret/new`, { command: '{mock_command}' }),
    ask('POST', `${path}/secret/new`, { sha256: '{mock_sha256}' }),
    ask('POST', `${path}/secret/new`, { command: '{mock_command}', sha256: 'nonsense' }),
    ask('POST', `${path}/secret/new`, { command: '{mock_command}', sha256: 'ab' }),
    ask('POST', `${path}/secret/new`, { ...entry, version: 'nonsense' }),
    ask('POST', `${path}/nonsense/new`, entry, differs(OLD_CATALOG, { status: 204 }, UNKNOWN_TYPE)),
    ask('POST', `${path}/secret/new`, { ...entry, command: '../{mock_command}' }),
    ask('POST', `${path}/secret/new`, { command: '{mock_command} a b', sha256: '{mock_sha256}' }),
    ask('GET', `${path}/secret/new?version=v0.0.0%2Bmock`),
    ask('GET', `${path}/secret/new`),
    ask(
      'POST',
      `${path}/secret/new`,
      { ...entry, args: ['-x', 'y'] },
      differs(
        'the host looks at a plugin before it takes it in; a server finds at the first mount that it does not start',
        { status: 204 },
        { status: 500, errors: ['plugin new: it did not come up: it ended (code 1) before a handshake'] },
      ),
    ),
    ask('DELETE', `${path}/secret/new`),
    ask('POST', `${path}/secret/new`, { ...entry, args: ['-tls-server-name', 'a,b'], env: ['A=b'] }),
    ask('GET', `${path}/secret/new`),
    ask('POST', `${path}/secret/new`, { command: '{mock_command} a', sha256: '{mock_sha256}', args: ['b'] }),
    ask('PUT', `${path}/secret/new`, entry),
    ask('DELETE', `${path}/secret/new`),
    ask('DELETE', `${path}/secret/new`),
    ask('GET', `${path}/secret/new`),
    ask('DELETE', `${path}/secret/none?version=v1.0.0`),
    ask('PATCH', `${path}/secret/mock`, {}),
  ]
}

const MOVED: Pick<Step, 'differs'> = {
  differs: {
    because: 'a server moves later; in the host it is done when it is answered',
    in: [
      [
        'body.warnings',
        [
          "Mount move has been queued. Progress will be reported in OpenBao's server log, tagged with the returned migration_id",
        ],
        null,
      ],
    ],
  },
}

function mounts(): readonly Step[] {
  const of = (path: string): Pick<Step, 'part'> => ({ part: { because: OWN_MOUNTS, at: ['data', path] } })
  return [
    ask('GET', 'sys/mounts/m1'),
    ask('POST', 'sys/mounts/m1', {}),
    ask('POST', 'sys/mounts/m1', { type: 'none' }),
    ask('POST', 'sys/mounts/m1', { type: 5 }),
    ask('POST', 'sys/mounts/m1', { type: 'mock', config: 'x' }),
    ask('POST', 'sys/mounts/m1', { type: 'mock', config: { default_lease_ttl: 'nonsense' } }),
    ask('POST', 'sys/mounts/m1', { type: 'mock', config: { default_lease_ttl: '2h', max_lease_ttl: '1h' } }),
    ask('POST', 'sys/mounts/m1', { type: 'mock', config: { default_lease_ttl: '9000h' } }),
    ask('POST', 'sys/mounts/m1', { type: 'mock', config: { listing_visibility: 'nonsense' } }),
    ask('POST', 'sys/mounts/m1', { type: 'mock', config: { plugin_version: 'v9.9.9' } }),
    ask('POST', 'sys/mounts/m1', { type: 'mock', options: { version: '2' } }),
    ask('POST', 'sys/mounts/sys/x', { type: 'mock' }),
    ask('POST', 'sys/mounts/auth/x', { type: 'mock' }),
    ask('POST', 'sys/mounts/identity', { type: 'mock' }),
    ask('POST', 'sys/mounts/cubbyhole', { type: 'mock' }),
    ask('POST', 'sys/mounts/m1', {
      type: 'mock',
      description: 'The first',
      local: true,
      seal_wrap: false,
      options: { a: 'b', n: 1 },
      config: {
        default_lease_ttl: '1h',
        max_lease_ttl: 7200,
        force_no_cache: true,
        listing_visibility: 'unauth',
        audit_non_hmac_request_keys: ['a', 'b'],
        passthrough_request_headers: 'x-one,x-two',
      },
    }),
    ask('POST', 'sys/mounts/m1', { type: 'mock' }),
    ask('POST', 'sys/mounts/m1/', { type: 'mock' }),
    ask('POST', 'sys/mounts/m1/below', { type: 'mock' }),
    ask('GET', 'sys/mounts/m1'),
    ask('GET', 'sys/mounts/m1/'),
    ask('GET', 'sys/mounts', undefined, of('m1/')),
    ask('POST', 'sys/mounts/deep/er/m2', { type: 'plugin', plugin_name: 'mock' }),
    ask('POST', 'sys/mounts/deep', { type: 'mock' }),
    ask('GET', 'deep/er/m2/internal'),
    ask('GET', 'deep/er/internal'),
    ask('GET', 'deep/internal'),
    ask('GET', 'sys/mounts', undefined, of('deep/er/m2/')),
    ask('PUT', 'sys/mounts/m3', { type: 'mock' }),
    ask('PATCH', 'sys/mounts/m3', { type: 'mock' }),
    ask('LIST', 'sys/mounts'),
    ask('POST', 'sys/remount', { from: 'm3', to: 'm4' }, MOVED),
    ask('GET', 'm4/internal', undefined, { until: 200 }),
    ask('GET', 'm3/internal'),
    ask('POST', 'sys/remount', { from: 'm3', to: 'm5' }),
    ask('POST', 'sys/remount', { from: 'm4', to: 'm1' }),
    ask('POST', 'sys/remount', { from: 'm4', to: 'auth/m4' }),
    ask('POST', 'sys/remount', { from: 'm4', to: 'sys/m4' }),
    ask('POST', 'sys/remount', { from: 'm4' }),
    ask('DELETE', 'sys/mounts/m4'),
    ask('DELETE', 'sys/mounts/m4'),
    ask('DELETE', 'sys/mounts/sys'),
    ask('DELETE', 'sys/mounts/cubbyhole'),
    ask('GET', 'm4/internal'),
    ask('GET', 'sys/auth', undefined, of('none/')),
    ask('POST', 'sys/auth/a1', { type: 'mock' }),
    ask('POST', 'sys/auth/a1', {}),
    ask('GET', 'sys/auth/a1'),
    ask('DELETE', 'sys/auth/a1'),
    ask('DELETE', 'sys/auth/token'),
    ask('GET', 'sys/internal/ui/mounts/m1', undefined, {}),
    ask('GET', 'sys/internal/ui/mounts/none'),
    // Of the built-in plugin, the server's and ours.
    ask('POST', 'sys/mounts/kv1', { type: 'kv' }),
    ask('POST', 'sys/mounts/kv2', { type: 'kv', options: { version: '2' } }),
    ask('POST', 'sys/mounts/kv3', { type: 'kv-v2' }),
    ask(
      'POST',
      'sys/mounts/kv4',
      { type: 'kv', options: { version: '3' } },
      differs(
        'no plugin of the server but its kv: ours refuses in its own words',
        { status: 400, errors: ['nil backend of type "kv" returned from factory'] },
        { status: 500, errors: ['ERR_PORTCULLIS_PLUGIN_START'] },
      ),
    ),
    ask('GET', 'kv2/config', undefined, { until: 200 }),
    ask('GET', 'kv3/config', undefined, { until: 200 }),
    ask('POST', 'sys/mounts/kv1/tune', { options: { version: '2' } }, UPGRADED),
    ask('GET', 'kv1/config', undefined, { until: 200 }),
    ask('POST', 'sys/mounts/kv1/tune', { options: { version: '1' } }),
    ask('GET', 'sys/mounts/kv1/tune'),
  ]
}

function tune(): readonly Step[] {
  return [
    ask('GET', 'sys/mounts/m1/tune'),
    ask('GET', 'sys/mounts/none/tune'),
    ask('POST', 'sys/mounts/none/tune', { description: 'x' }),
    ask('POST', 'sys/mounts/m1/tune', { description: 'Another', default_lease_ttl: '30m' }),
    ask('GET', 'sys/mounts/m1/tune'),
    ask('POST', 'sys/mounts/m1/tune', { default_lease_ttl: 'nonsense' }),
    ask('POST', 'sys/mounts/m1/tune', { default_lease_ttl: '100h', max_lease_ttl: '1h' }),
    ask('POST', 'sys/mounts/m1/tune', { max_lease_ttl: '9000h' }),
    ask('POST', 'sys/mounts/m1/tune', { default_lease_ttl: 'system', max_lease_ttl: 'system' }),
    ask('POST', 'sys/mounts/m1/tune', { audit_non_hmac_response_keys: ['c'], allowed_response_headers: ['x-three'] }),
    ask('POST', 'sys/mounts/m1/tune', { listing_visibility: 'nonsense' }),
    ask('POST', 'sys/mounts/m1/tune', { listing_visibility: 'hidden' }),
    ask('POST', 'sys/mounts/m1/tune', { token_type: 'batch' }),
    ask('POST', 'sys/mounts/m1/tune', { plugin_version: 'v9.9.9' }),
    ask('POST', 'sys/mounts/m1/tune', { options: { a: 'c' } }),
    ask('POST', 'sys/mounts/m1/tune', { options: 'x' }),
    ask('POST', 'sys/mounts/m1/tune', {}),
    ask('GET', 'sys/mounts/m1/tune'),
    ask('GET', 'sys/mounts/m1'),
    ask('DELETE', 'sys/mounts/m1/tune'),
  ]
}

function reload(): readonly Step[] {
  const path = 'sys/plugins/reload/backend'
  return [
    ask('POST', path, {}),
    ask('POST', path, { plugin: 'mock', mounts: ['m1/'] }),
    ask('POST', path, { plugin: 'none' }),
    ask('POST', path, { mounts: ['none/'] }),
    ask('POST', path, { mounts: ['m1/'] }),
    ask('PUT', path, { mounts: 'm1/,deep/er/m2/' }),
    ask('POST', path, { plugin: 'mock' }),
    ask('GET', path),
    ask('GET', 'm1/internal'),
  ]
}

function wrapping(): readonly Step[] {
  return [
    ask('POST', 'sys/wrapping/wrap', { a: 1 }),
    ask(
      'POST',
      'sys/wrapping/wrap',
      { a: 1, nested: { b: [true] } },
      { wrapTtl: '60s', keep: { w1: 'body.wrap_info.token' } },
    ),
    ask('POST', 'sys/wrapping/wrap', {}, { wrapTtl: '60s' }),
    ask('POST', 'sys/wrapping/wrap', undefined, { wrapTtl: '1h' }),
    ask('GET', 'sys/wrapping/wrap', undefined, { wrapTtl: '60s' }),
    ask('POST', 'sys/wrapping/lookup', { token: '{w1}' }),
    ask('GET', 'sys/wrapping/lookup', undefined, { token: '{w1}' }),
    ask('POST', 'sys/wrapping/lookup', { token: '{w1}' }, { token: '' }),
    ask('POST', 'sys/wrapping/lookup', {}),
    ask('POST', 'sys/wrapping/lookup', { token: 'none' }),
    ask('POST', 'sys/wrapping/rewrap', { token: '{w1}' }, { keep: { w2: 'body.wrap_info.token' } }),
    ask('POST', 'sys/wrapping/lookup', { token: '{w1}' }),
    ask('POST', 'sys/wrapping/unwrap', { token: '{w1}' }),
    ask('POST', 'sys/wrapping/lookup', { token: '{w2}' }),
    ask('POST', 'sys/wrapping/unwrap', undefined, { token: '{w2}' }),
    ask('POST', 'sys/wrapping/unwrap', undefined, { token: '{w2}' }),
    ask('POST', 'sys/wrapping/unwrap', { token: '{w2}' }),
    ask('POST', 'sys/wrapping/unwrap', {}),
    ask('POST', 'sys/wrapping/unwrap', {}, { token: '' }),
    ask('POST', 'sys/wrapping/unwrap', { token: 'none' }, { token: '' }),
    ask('POST', 'sys/wrapping/rewrap', { token: 'none' }),
    ask('POST', 'sys/wrapping/rewrap', {}),
    ask('GET', 'sys/wrapping/none'),
    ask('GET', 'm1/internal', undefined, { wrapTtl: '1s', keep: { w3: 'body.wrap_info.token' } }),
    ask('GET', 'm1/internal', undefined, { wrapTtl: '0' }),
  ]
}

function cubbyhole(): readonly Step[] {
  return [
    ask('GET', 'cubbyhole/a'),
    ask('LIST', 'cubbyhole'),
    ask('POST', 'cubbyhole/a', { v: 1 }),
    ask('POST', 'cubbyhole/b/c', { v: 2 }),
    ask('POST', 'cubbyhole/d', {}),
    ask('POST', 'cubbyhole/', { v: 1 }),
    ask('GET', 'cubbyhole/a'),
    ask('LIST', 'cubbyhole'),
    ask('LIST', 'cubbyhole/b'),
    ask('PATCH', 'cubbyhole/a', { v: 1 }),
    ask('DELETE', 'cubbyhole/a'),
    ask('DELETE', 'cubbyhole/a'),
    ask('GET', 'cubbyhole/a'),
  ]
}

function tokens(): readonly Step[] {
  const keep = (name: string): Pick<Step, 'keep'> => ({
    keep: { [name]: 'body.auth.client_token', [`${name}_accessor`]: 'body.auth.accessor' },
  })
  return [
    ask(
      'POST',
      'auth/token/create',
      { policies: ['default'], ttl: '1h', display_name: 'a b', meta: { k: 'v' } },
      keep('t1'),
    ),
    ask('POST', 'auth/token/create', { policies: ['default'], period: '1h', explicit_max_ttl: '2h' }, keep('t2')),
    ask('POST', 'auth/token/create', { policies: ['default'], type: 'batch', ttl: '1h' }, keep('t3')),
    ask('POST', 'auth/token/create', { policies: ['default'], num_uses: 3, renewable: false }, keep('t4')),
    ask('POST', 'auth/token/create-orphan', { policies: ['default'], no_default_policy: true }, keep('t5')),
    ask('POST', 'auth/token/create', { policies: ['default'], ttl: 'nonsense' }),
    ask('POST', 'auth/token/create', { policies: ['default'], ttl: '9000h' }),
    ask('POST', 'auth/token/create', { policies: ['default'], type: 'other' }),
    ask('POST', 'auth/token/create', { policies: ['default'], num_uses: -1 }),
    ...['t1', 't2', 't3', 't4'].flatMap((name) => [
      ask('GET', 'auth/token/lookup-self', undefined, { token: `{${name}}` }),
      ask('POST', 'auth/token/lookup', { token: `{${name}}` }),
      ask('POST', 'auth/token/renew', { token: `{${name}}`, increment: '30m' }),
    ]),
    ask('POST', 'auth/token/lookup', { token: '{t5}' }),
    ask('POST', 'auth/token/renew', { token: '{t5}', increment: '30m' }),
    ask('POST', 'auth/token/lookup', { token: 'none' }),
    ask('POST', 'auth/token/lookup-accessor', { accessor: '{t1_accessor}' }),
    ask('POST', 'auth/token/lookup-accessor', { accessor: 'none' }),
    ask('POST', 'auth/token/lookup-accessor', {}),
    ask('POST', 'auth/token/renew-accessor', { accessor: '{t1_accessor}', increment: 60 }),
    ask('POST', 'auth/token/renew-accessor', { accessor: 'none' }),
    ask('POST', 'auth/token/renew', { token: 'none' }),
    ask('GET', 'auth/token/lookup-self', undefined, { token: 'none' }),
    ask('GET', 'auth/token/lookup-self', undefined, { token: '' }),
    ask('POST', 'sys/capabilities-self', { paths: ['m1/a', 'none/b'] }),
    ask('POST', 'sys/capabilities-self', { path: 'm1/a' }),
    ask('POST', 'sys/capabilities-self', {}),
    ask('POST', 'auth/token/revoke', { token: '{t1}' }),
    ask('POST', 'auth/token/revoke', { token: '{t1}' }),
    ask('POST', 'auth/token/revoke', { token: '{t3}' }),
    ask('POST', 'auth/token/revoke', {}),
    ask('POST', 'auth/token/revoke-self', undefined, { token: '{t2}' }),
    ask('GET', 'auth/token/lookup-self', undefined, { token: '{t2}' }),
    ask('POST', 'auth/token/revoke-accessor', { accessor: '{t5_accessor}' }),
    ask('POST', 'auth/token/revoke-accessor', { accessor: 'none' }),
    ask('POST', 'auth/token/revoke-accessor', {}),
    ask('GET', 'auth/token/none'),
    ask('DELETE', 'auth/token/lookup-self'),
  ]
}

function odd(): readonly Step[] {
  return [
    ask('GET', 'none'),
    ask('GET', 'none/at/all'),
    ask('LIST', 'none/at/all'),
    ask('POST', 'none/at/all', { a: 1 }),
    ask('DELETE', 'none/at/all'),
    ask('GET', 'none/at/all', undefined, { token: '' }),
    ask('GET', 'none?help=1'),
    ask('GET', 'auth/none/login'),
    ask('POST', 'auth/none/login', {}, { token: '' }),
    ask('GET', 'auth/'),
    ask('GET', 'sys/none'),
    ask('POST', 'sys/none', {}),
    ask('GET', 'sys/mounts', undefined, { token: '' }),
    ask('GET', 'sys/mounts', undefined, { token: 'nobody' }),
    ask(
      'POST',
      'sys/mounts/x',
      '[]',
      noJson('json: cannot unmarshal array into Go value of type map[string]interface {}'),
    ),
    ask('POST', 'sys/mounts/x', 'nonsense', noJson("invalid character 'o' in literal null (expecting 'u')")),
    ask('GET', 'sys/leases?type=irrevocable'),
    ask('GET', 'sys/leases/count?type=irrevocable'),
    ask('GET', 'sys/leases?type=x'),
    ask('GET', 'sys/seal-status', undefined, { token: '', part: { because: 'of the server itself', at: ['sealed'] } }),
    ask('GET', 'sys/health', undefined, { token: '', part: { because: 'of the server itself', at: ['standby'] } }),
    ask('GET', 'sys/leader', undefined, { token: '', part: { because: 'of the server itself', at: ['ha_enabled'] } }),
  ]
}
