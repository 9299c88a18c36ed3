import { ask, differs, type Step } from './script.ts'
import type { TerraformApi } from './terraform-api.ts'

/** Leases of the terraform plugin at `tf/`: issued, looked up, renewed, revoked, with an API that fails. */
export function terraformScript(apis: readonly TerraformApi[]): readonly Step[] {
  const fail = (isFailing: boolean): void => {
    for (const api of apis) api.fail(isFailing)
  }
  // It falls over its own missing configuration.
  const crash = { part: { because: 'what is told of a crash depends on who notices it first', at: ['data'] } }
  return [
    ask('GET', 'tf/config', undefined, crash),
    ask('GET', 'tf/creds/r'),
    ask('GET', 'tf/role/r'),
    ask('LIST', 'tf/role'),
    ask('POST', 'tf/config', {}),
    ask('POST', 'tf/config', { address: '{api}', token: 'admin' }),
    ask('GET', 'tf/config'),
    ask('POST', 'tf/config', { address: '{api}', token: 'admin', base_path: '/api/v2/' }),
    ask('PATCH', 'tf/config', { token: 'x' }),
    ask('POST', 'tf/role/bad', {}),
    ask('POST', 'tf/role/bad', { user_id: 'u', ttl: 'nonsense' }),
    ask('POST', 'tf/role/bad', { user_id: 'u', ttl: '2h', max_ttl: '1h' }),
    ask('POST', 'tf/role/r', { user_id: 'u-1', ttl: '10m', max_ttl: '1h', more: 'x' }),
    ask('POST', 'tf/role/free', { user_id: 'u-1' }),
    ask('POST', 'tf/role/long', { user_id: 'u-1', ttl: '9000h', max_ttl: '10000h' }),
    ask('POST', 'tf/role/org', { organization: 'o' }),
    ask('GET', 'tf/role/r'),
    ask('GET', 'tf/role/free'),
    ask('LIST', 'tf/role'),
    ask('GET', 'tf/role/?list=true'),
    ask('DELETE', 'tf/role/none'),
    ask('GET', 'tf/creds/none'),
    ask('LIST', 'tf/creds'),
    ask('POST', 'tf/creds/r', {}, { keep: { posted: 'body.lease_id' } }),
    ask('GET', 'tf/creds/r', undefined, { keep: { first: 'body.lease_id' } }),
    ask('GET', 'tf/creds/r', undefined, { keep: { second: 'body.lease_id' } }),
    ask('GET', 'tf/creds/free', undefined, { keep: { free: 'body.lease_id' } }),
    ask('GET', 'tf/creds/long', undefined, { keep: { long: 'body.lease_id' } }),
    ask('GET', 'tf/creds/org', undefined, { keep: { org: 'body.lease_id' } }),
    ask('GET', 'tf/creds/org', undefined, { keep: { org2: 'body.lease_id' } }),
    ...leaseLife(),
    // Revocations that fail are the caller's to see with `sync`; the lease stays.
    ask('POST', 'sys/leases/revoke', { lease_id: '{first}', sync: true }, { before: () => fail(true) }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{first}' }),
    ask('GET', 'tf/creds/r'),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}' }),
    ask('POST', 'sys/leases/revoke-prefix/tf/creds/free', { sync: true }),
    ask('POST', 'sys/leases/revoke', { lease_id: '{first}', sync: true }, { before: () => fail(false) }),
    ask('POST', 'sys/leases/revoke', { lease_id: '{first}', sync: true }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{first}' }),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}' }),
    // Without it, the answer comes first.
    ask('POST', 'sys/leases/revoke', { lease_id: '{second}' }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{second}' }, { until: 400 }),
    ask('PUT', 'sys/leases/revoke/{posted}', undefined),
    ask('POST', 'sys/leases/lookup', { lease_id: '{posted}' }, { until: 400 }),
    ask('GET', 'tf/creds/r', undefined, { wrapTtl: '1m', keep: { wrapped: 'body.wrap_info.token' } }),
    ask('POST', 'sys/wrapping/unwrap', undefined, { token: '{wrapped}', keep: { inside: 'body.lease_id' } }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{inside}' }),
    ask('POST', 'sys/leases/revoke-prefix/tf/creds/none', {}),
    ask('POST', 'sys/leases/revoke-prefix/tf/creds', { sync: true }),
    ask('LIST', 'sys/leases/lookup/tf/creds'),
    ask('LIST', 'sys/leases/lookup/tf'),
    ask('GET', 'tf/creds/r', undefined, { keep: { forced: 'body.lease_id' } }),
    ask('POST', 'sys/leases/revoke-force/tf/creds', {}, { before: () => fail(true) }),
    ask('POST', 'sys/leases/lookup', { lease_id: '{forced}' }),
    // TTLs of the mount bind what a role asks for.
    ask('POST', 'sys/mounts/tf/tune', { max_lease_ttl: '30m', default_lease_ttl: '5m' }, { before: () => fail(false) }),
    ask('GET', 'sys/mounts/tf/tune'),
    ask('GET', 'tf/creds/r', undefined, { keep: { first: 'body.lease_id' } }),
    ask('GET', 'tf/creds/free', undefined, { keep: { free: 'body.lease_id' } }),
    ask('GET', 'tf/creds/long', undefined, { keep: { long: 'body.lease_id' } }),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}', increment: '1h' }),
    ask('POST', 'sys/leases/renew', { lease_id: '{free}', increment: 60 }),
    ask('POST', 'sys/leases/renew', { lease_id: '{long}', increment: 60 }),
    ask('POST', 'tf/rotate-role/r', {}),
    ask('POST', 'tf/rotate-role/none', {}),
    ask('GET', 'tf?help=1'),
    ask('GET', 'tf/config?help=1'),
    ask('GET', 'tf/creds/r?help=1'),
    ask('DELETE', 'tf/role/r'),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}' }),
    ask('DELETE', 'tf/config'),
    ask('GET', 'tf/config', undefined, crash),
    ask('POST', 'sys/leases/renew', { lease_id: '{free}' }),
    ask('POST', 'sys/leases/revoke', { lease_id: '{free}', sync: true }),
    ask('POST', 'tf/config', { address: '{api}', token: 'admin' }),
    ask('DELETE', 'sys/mounts/tf'),
    ask('GET', 'tf/config'),
    ask('POST', 'sys/leases/lookup', { lease_id: '{free}' }),
    ask('DELETE', 'sys/mounts/tf'),
  ]
}

const OLD = differs(
  'OpenBao has given up the older paths of Vault, which the host knows',
  { status: 404, errors: ['1 error occurred:\n\t* unsupported path\n\n'] },
  { status: 400, errors: ['lease not found'] },
)

const UNTYPED = differs(
  'there is one type alone, which the host does not insist on',
  { status: 404, errors: [] },
  { status: 200, data: { counts: {}, lease_count: 0 } },
)

function leaseLife(): readonly Step[] {
  const tokensToo: Partial<Step> = {
    differs: {
      because: 'tokens of a server are leases; those of the host are not, and end with what they hold all the same',
      in: [['body.data.keys', ['auth/', 'tf/'], ['tf/']]],
    },
  }
  return [
    ask('LIST', 'sys/leases/lookup', undefined, tokensToo),
    ask('LIST', 'sys/leases/lookup/', undefined, tokensToo),
    ask('LIST', 'sys/leases/lookup/tf'),
    ask('LIST', 'sys/leases/lookup/tf/creds/'),
    ask('LIST', 'sys/leases/lookup/none'),
    ask('GET', 'sys/leases/lookup/tf'),
    ask('POST', 'sys/leases/lookup', { lease_id: '{first}' }),
    ask('PUT', 'sys/leases/lookup', { lease_id: '{first}' }),
    ask('POST', 'sys/leases/lookup', {}),
    ask('POST', 'sys/leases/lookup', { lease_id: 'tf/creds/r/none' }),
    ask(
      'POST',
      'sys/leases/lookup',
      { lease_id: 5 },
      {
        differs: {
          because: 'a number is no lease, in other words',
          in: [['body.errors[0]', 'invalid lease ID', 'invalid lease']],
        },
      },
    ),
    ask('GET', 'sys/leases/lookup'),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}' }),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}', increment: 1200 }),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}', increment: '20m' }),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}', increment: 99_999 }),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}', increment: 0 }),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}', increment: 'nonsense' }),
    ask('POST', 'sys/leases/renew', { lease_id: '{first}', increment: -5 }),
    ask('PUT', 'sys/leases/renew/{first}', {}),
    ask('POST', 'sys/renew', { lease_id: 'none', increment: 300 }, OLD),
    ask('PUT', 'sys/renew/none', { increment: 300 }, OLD),
    ask('POST', 'sys/leases/renew', {}),
    ask('POST', 'sys/leases/renew', { lease_id: 'none' }),
    ask('POST', 'sys/leases/renew', { lease_id: '{org}' }),
    ask('POST', 'sys/leases/renew', { lease_id: '{long}', increment: 40_000_000 }),
    ask('GET', 'sys/leases/renew'),
    ask('POST', 'sys/leases/lookup', { lease_id: '{first}' }),
    ask('POST', 'sys/leases/revoke', {}),
    ask('POST', 'sys/leases/revoke', { lease_id: 'none' }),
    ask('POST', 'sys/leases/revoke', { lease_id: 'none', sync: true }),
    ask('GET', 'sys/leases/revoke'),
    ask('DELETE', 'sys/leases/revoke'),
    ask('POST', 'sys/leases/none', {}),
    ask('GET', 'sys/leases', undefined, UNTYPED),
    ask('GET', 'sys/leases/count', undefined, UNTYPED),
    ask('GET', 'sys/leases?type=x'),
    ask('GET', 'sys/leases?type=irrevocable'),
    ask('GET', 'sys/leases/count?type=irrevocable'),
    ask('POST', 'sys/leases/lookup', { lease_id: 'none' }),
    ask('POST', 'sys/leases/lookup', { lease_id: 'none/x' }),
  ]
}
