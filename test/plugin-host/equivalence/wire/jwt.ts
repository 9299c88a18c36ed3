import type { TokenIssuer } from '../../../support/web-token.ts'
import { ask, differs, type Step } from './script.ts'

const ROLE = { role_type: 'jwt', user_claim: 'sub', bound_audiences: ['a'] }

const LOCAL = {
  client_token: '<client_token>',
  accessor: '<accessor>',
  policies: ['default'],
  token_policies: ['default'],
  metadata: { role: 'local' },
  lease_duration: 2_764_800,
  renewable: true,
  entity_id: '<uuid>',
  token_type: 'service',
  orphan: true,
  mfa_requirement: null,
  num_uses: 0,
}

const BARE = { ...LOCAL, policies: ['x'], token_policies: ['x'], metadata: { role: 'bare' }, orphan: false }

/** Logins at the jwt plugin at `auth/jwt/`, and the tokens they give. */
export function jwtScript(issuer: TokenIssuer): readonly Step[] {
  const jwt = (claims: object = {}): string => issuer.issue({ sub: 'alice', aud: 'a', ...claims })
  const login = (role: string, claims: object = {}, more: object = {}): Step =>
    ask('POST', 'auth/jwt/login', { role, jwt: jwt(claims) }, { token: '', ...more })
  const keep = (name: string): Pick<Step, 'keep'> => ({
    keep: { [name]: 'body.auth.client_token', [`${name}_accessor`]: 'body.auth.accessor' },
  })
  return [
    ask('GET', 'auth/jwt/config'),
    ask('POST', 'auth/jwt/config', {}),
    ask('POST', 'auth/jwt/config', { jwt_validation_pubkeys: ['nonsense'] }),
    login('r'),
    ask('POST', 'auth/jwt/config', { jwt_validation_pubkeys: [issuer.publicKey] }),
    ask('GET', 'auth/jwt/config'),
    ask('LIST', 'auth/jwt/role'),
    ask('POST', 'auth/jwt/role/bad', { role_type: 'jwt' }),
    ask('POST', 'auth/jwt/role/bad', { role_type: 'other', user_claim: 'sub' }),
    ask('POST', 'auth/jwt/role/r', {
      ...ROLE,
      token_policies: ['P1', 'p2', 'p1'],
      token_ttl: '10m',
      token_max_ttl: '30m',
    }),
    ask('GET', 'auth/jwt/role/r'),
    ask('POST', 'auth/jwt/role/batch', { ...ROLE, token_type: 'batch', token_ttl: 600 }),
    ask('POST', 'auth/jwt/role/period', { ...ROLE, token_period: '5m' }),
    ask('POST', 'auth/jwt/role/max', { ...ROLE, token_ttl: '5m', token_explicit_max_ttl: '10m' }),
    ask('POST', 'auth/jwt/role/uses', { ...ROLE, token_num_uses: 2 }),
    ask('POST', 'auth/jwt/role/bare', { ...ROLE, token_no_default_policy: true, token_policies: 'x' }),
    ask('POST', 'auth/jwt/role/none', { ...ROLE, token_no_default_policy: true }),
    ask('POST', 'auth/jwt/role/cidr', { ...ROLE, token_bound_cidrs: ['10.0.0.0/8'] }),
    ask('POST', 'auth/jwt/role/local', { ...ROLE, token_bound_cidrs: ['127.0.0.0/8'] }),
    ask('POST', 'auth/jwt/role/root', { ...ROLE, token_policies: ['root'] }),
    ask('POST', 'auth/jwt/role/groups', { ...ROLE, groups_claim: 'groups', claim_mappings: { email: 'mail' } }),
    ask('POST', 'auth/jwt/role/claims', { ...ROLE, bound_claims: { team: 'red' } }),
    ask('LIST', 'auth/jwt/role'),
    ask('GET', 'auth/jwt/role?list=true'),
    login('missing'),
    login('', {}),
    login('r', { aud: 'b' }),
    login('r', { exp: 1 }),
    login('r', { sub: '' }),
    login('r', { sub: undefined }),
    login('claims', { team: 'blue' }),
    ask('POST', 'auth/jwt/login', { role: 'r', jwt: 'nonsense' }, { token: '' }),
    ask('POST', 'auth/jwt/login', { role: 'r' }, { token: '' }),
    ask('POST', 'auth/jwt/login', {}, { token: '' }),
    ask('GET', 'auth/jwt/login', undefined, { token: '' }),
    ask('LIST', 'auth/jwt/login', undefined, { token: '' }),
    ask('DELETE', 'auth/jwt/login', undefined, { token: '' }),
    ask('GET', 'auth/jwt/role/r', undefined, { token: '' }),
    login('cidr'),
    login('root'),
    login('none'),
    login('claims', { team: 'red' }),
    login('r', {}, keep('alice')),
    login('r', {}, { token: 'nobody' }),
    login('batch', {}, keep('batch')),
    login('period', {}, keep('period')),
    login('max', {}, keep('max')),
    login('uses', {}, keep('uses')),
    login('bare', {}, keep('bare')),
    login(
      'local',
      {},
      differs(
        'nobody calls a host from an address: what is bound to one is refused',
        { status: 200, auth: LOCAL },
        { status: 403, errors: ['permission denied'] },
      ),
    ),
    login('groups', { groups: ['g1', 'g2'], email: 'a@b' }, keep('groups')),
    login('groups', { groups: 'no list' }),
    login('r', { sub: 'bob' }, { wrapTtl: '60s', keep: { wrapped: 'body.wrap_info.token' } }),
    ask('POST', 'sys/wrapping/unwrap', undefined, { token: '{wrapped}', ...keep('bob') }),
    ...['alice', 'batch', 'period', 'max', 'groups', 'bob'].flatMap(tokenLife),
    ask('POST', 'auth/token/lookup', { token: '{bare}' }),
    ask(
      'POST',
      'auth/token/renew-self',
      // Less than is left: of more, a second that passed would be taken off, with a warning.
      { increment: '20m' },
      {
        token: '{bare}',
        ...differs(
          'the host has no policies of its own: what a token may do is for those of the gateway to say',
          { status: 403, errors: ['1 error occurred:\n\t* permission denied\n\n'] },
          { status: 200, auth: { ...BARE, lease_duration: 1200 } },
        ),
      },
    ),
    ask('GET', 'auth/token/lookup-self', undefined, { token: '{uses}' }),
    ask('GET', 'auth/token/lookup-self', undefined, { token: '{uses}' }),
    ask('GET', 'auth/token/lookup-self', undefined, { token: '{uses}' }),
    ask('DELETE', 'auth/jwt/role/r'),
    ask('POST', 'auth/token/renew-self', {}, { token: '{alice}' }),
    ask('POST', 'auth/token/revoke-accessor', { accessor: '{bob_accessor}' }),
    ask('GET', 'auth/token/lookup-self', undefined, { token: '{bob}' }),
    ask('POST', 'auth/token/revoke-self', undefined, { token: '{alice}' }),
    ask('GET', 'auth/token/lookup-self', undefined, { token: '{alice}' }),
    ask('POST', 'auth/token/lookup-accessor', { accessor: '{alice_accessor}' }),
    ask('POST', 'auth/token/revoke-accessor', { accessor: '{alice_accessor}' }),
    ask('POST', 'auth/token/revoke', { token: '{batch}' }),
    ask('GET', 'auth/jwt?help=1'),
    ask('GET', 'auth/jwt/login?help=1', undefined, { token: '' }),
    ask('GET', 'auth/jwt/none'),
    ask('POST', 'auth/jwt/none', {}, { token: '' }),
    ask('POST', 'sys/auth/jwt/tune', { default_lease_ttl: '1m', max_lease_ttl: '2m', token_type: 'batch' }),
    ask('GET', 'sys/auth/jwt/tune'),
    login('claims', { team: 'red' }),
    ask('GET', 'sys/auth/jwt'),
    ask('DELETE', 'sys/auth/jwt'),
    ask('GET', 'auth/token/lookup-self', undefined, { token: '{period}' }),
    login('claims', { team: 'red' }),
  ]
}

function tokenLife(name: string): readonly Step[] {
  return [
    ask('GET', 'auth/token/lookup-self', undefined, { token: `{${name}}` }),
    ask('POST', 'auth/token/lookup', { token: `{${name}}` }),
    ask('POST', 'auth/token/lookup-accessor', { accessor: `{${name}_accessor}` }),
    ask('POST', 'auth/token/renew-self', { increment: '20m' }, { token: `{${name}}` }),
    ask('POST', 'auth/token/renew', { token: `{${name}}`, increment: 60 }),
    ask('POST', 'auth/token/renew-accessor', { accessor: `{${name}_accessor}` }),
    ask('GET', 'auth/token/lookup-self', undefined, { token: `{${name}}` }),
  ]
}
