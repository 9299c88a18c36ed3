import assert from 'node:assert/strict'
import { test } from 'node:test'
import { inspect } from 'node:util'
import {
  endsLease,
  evictsAfter,
  mayEndTokens,
  type Revocation,
  renewalOf,
  revocationOf,
} from '../../lib/lease/revocations.ts'
import type { JsonObject } from '../../lib/model/json.ts'
import type { Operation } from '../../lib/model/operation.ts'
import { type GatewayRequest, NO_QUERY } from '../../lib/model/request.ts'
import { unseal } from '../../lib/model/sealed.ts'

const ID = 'database/creds/app/Wd1GNWShKnAfdM6lOeZJ0w3Y'
const TOKEN = 's.planted-token'

function request(path: string, data?: JsonObject, operation: Operation = 'write'): GatewayRequest {
  const body = data === undefined ? undefined : JSON.stringify(data)
  return { operation, namespace: '', path, query: NO_QUERY, data, body, wrapTtlMs: 0 }
}

/** As {@link revocationOf}, with the secret opened, so that it can be compared. */
function opened(asked: GatewayRequest): unknown {
  const revocation = revocationOf(asked)
  return revocation !== undefined && 'value' in revocation
    ? { ...revocation, value: unseal(revocation.value) }
    : revocation
}

const LEASE_FORMS: readonly (readonly [string, JsonObject | undefined, string | undefined])[] = [
  ['', { lease_id: ID }, ID],
  ['', { lease_id: ID, sync: false }, ID],
  ['', { lease_id: ID, sync: true }, ID],
  [`/${ID}`, undefined, ID],
  [`/${ID}`, {}, ID],
  [`/${ID}`, { lease_id: '' }, ID],
  [`/${ID}`, { lease_id: null }, ID],
  ['/database/creds/app/other', { lease_id: ID }, ID],
  [`/${ID}`, { url_lease_id: 'database/creds/app/other' }, ID],
  ['', { lease_id: ` ${ID}` }, ` ${ID}`],
  ['', { url_lease_id: ID }, undefined],
  ['', { Lease_ID: ID }, undefined],
  ['', {}, undefined],
  ['', undefined, undefined],
  ['', { lease_id: [ID] }, undefined],
  ['', { lease_id: 5 }, undefined],
  [`/${ID}`, { lease_id: false }, undefined],
  [`/${ID}`, { lease_id: {} }, undefined],
  [`/${ID}/`, undefined, undefined],
  ['/', { lease_id: ID }, undefined],
]

for (const [rest, data, leaseId] of LEASE_FORMS) {
  for (const base of ['sys/leases/revoke', 'sys/revoke']) {
    test(`${base}${rest} with ${JSON.stringify(data)} revokes ${leaseId ?? 'nothing'}`, () => {
      const expected = leaseId === undefined ? undefined : { kind: 'lease', leaseId }
      assert.deepEqual(revocationOf(request(`${base}${rest}`, data)), expected)
    })
  }
  for (const base of ['sys/leases/renew', 'sys/renew']) {
    test(`${base}${rest} with ${JSON.stringify(data)} renews ${leaseId ?? 'nothing'}`, () => {
      const asked = request(`${base}${rest}`, data)
      assert.deepEqual(renewalOf(asked), leaseId === undefined ? undefined : { leaseId })
      assert.equal(revocationOf(asked), undefined)
    })
  }
}

for (const [how, force] of [
  ['prefix', false],
  ['force', true],
] as const) {
  for (const base of [`sys/leases/revoke-${how}`, `sys/revoke-${how}`]) {
    test(`${base} revokes the prefix in the path, whatever the body says`, () => {
      const expected = { kind: 'prefix', prefix: 'database/creds', force }
      for (const data of [undefined, {}, { sync: false }, { prefix: 'kv' }]) {
        assert.deepEqual(revocationOf(request(`${base}/database/creds`, data)), expected)
      }
    })

    test(`${base} without prefix, or with a slash at its end, revokes nothing`, () => {
      for (const path of [base, `${base}/`, `${base}/database/`]) {
        assert.equal(revocationOf(request(path, { prefix: 'database/creds' })), undefined)
      }
    })
  }
}

const tokenOf = (value: string, orphanOnly = false): object => ({ kind: 'token', by: 'token', value, orphanOnly })
const accessorOf = (value: string): object => ({ kind: 'token', by: 'accessor', value, orphanOnly: false })

const TOKEN_FORMS: readonly (readonly [string, JsonObject | undefined, object | undefined])[] = [
  ['revoke', { token: TOKEN }, tokenOf(TOKEN)],
  [`revoke/${TOKEN}`, undefined, tokenOf(TOKEN)],
  [`revoke/${TOKEN}`, { token: '' }, tokenOf(TOKEN)],
  ['revoke/s.other', { token: TOKEN }, tokenOf(TOKEN)],
  ['revoke-orphan', { token: TOKEN }, tokenOf(TOKEN, true)],
  [`revoke-orphan/${TOKEN}`, undefined, tokenOf(TOKEN, true)],
  ['revoke-accessor', { accessor: 'a' }, accessorOf('a')],
  ['revoke-accessor/a', undefined, accessorOf('a')],
  ['revoke-accessor', { token: TOKEN }, undefined],
  ['revoke-self', undefined, { kind: 'token', by: 'self', orphanOnly: false }],
  ['revoke-self', { token: TOKEN }, { kind: 'token', by: 'self', orphanOnly: false }],
  ['revoke-self/x', undefined, undefined],
  ['revoke-self/', undefined, undefined],
  ['revoke', { accessor: 'a' }, undefined],
  ['revoke', { token: 5 }, undefined],
  ['revoke', undefined, undefined],
  ['revoke/', { token: TOKEN }, undefined],
  ['revoked', { token: TOKEN }, undefined],
  ['renew', { token: TOKEN }, undefined],
]

for (const [rest, data, expected] of TOKEN_FORMS) {
  test(`auth/token/${rest} with ${JSON.stringify(data)} revokes ${expected === undefined ? 'nothing' : 'a token'}`, () => {
    assert.deepEqual(opened(request(`auth/token/${rest}`, data)), expected)
  })
}

test('only a write revokes or renews', () => {
  for (const operation of ['read', 'list', 'scan', 'patch', 'delete'] as const) {
    assert.equal(revocationOf(request('sys/leases/revoke', { lease_id: ID }, operation)), undefined)
    assert.equal(revocationOf(request('auth/token/revoke-self', undefined, operation)), undefined)
    assert.equal(renewalOf(request('sys/leases/renew', { lease_id: ID }, operation)), undefined)
  }
})

test('other paths revoke nothing', () => {
  const paths = [
    'sys/leases/lookup',
    'sys/leases/revoked',
    'sys/leases/leases/revoke',
    'kv/sys/leases/revoke',
    'SYS/leases/revoke',
    'auth/other/revoke',
    'sys/revoke-other/x',
  ]
  for (const path of paths) {
    assert.equal(revocationOf(request(path, { lease_id: ID, token: TOKEN })), undefined)
    assert.equal(renewalOf(request(path, { lease_id: ID })), undefined)
  }
})

test('a token to be revoked shows itself nowhere', () => {
  const revocation = revocationOf(request('auth/token/revoke', { token: TOKEN }))
  assert.ok(revocation !== undefined)
  for (const text of [JSON.stringify(revocation), inspect(revocation, { depth: 9, showHidden: true })]) {
    assert.ok(!text.includes(TOKEN))
  }
})

const byId = (leaseId: string): Revocation => ({ kind: 'lease', leaseId })
const byPrefix = (prefix: string): Revocation => ({ kind: 'prefix', prefix, force: false })
const SELF: Revocation = { kind: 'token', by: 'self', orphanOnly: false }

/** What was revoked, in which namespace; the namespace of the lease, and whether it ends. */
const ENDS: readonly (readonly [Revocation, string, string, boolean])[] = [
  [byId(ID), '', '', true],
  [byId(`${ID}x`), '', '', false],
  [byId('database/creds/app'), '', '', false],
  [byId(ID), '', 'team', true],
  [byId(ID), 'team', 'team/sub', true],
  [byId(ID), 'team', '', false],
  [byId(ID), 'team', 'teams', false],
  [byPrefix('database/creds/app'), '', '', true],
  [byPrefix('database'), '', '', true],
  [byPrefix(ID), '', '', true],
  [byPrefix('database/creds/ap'), '', '', false],
  [byPrefix(ID.slice(0, -1)), '', '', false],
  [byPrefix('database'), '', 'team', false],
  [byPrefix('database'), 'team', 'team', true],
  [SELF, '', '', false],
]

for (const [revocation, from, namespace, expected] of ENDS) {
  test(`${JSON.stringify(revocation)} in '${from}' ${expected ? 'ends' : 'does not end'} the lease in '${namespace}'`, () => {
    assert.equal(endsLease(revocation, from, { leaseId: ID, namespace }), expected)
  })
}

test('tokens end by themselves, and by a lease id or prefix below auth/', () => {
  for (const revocation of [SELF, byId('auth/approle/login/h1'), byPrefix('auth'), byPrefix('auth/approle')]) {
    assert.equal(mayEndTokens(revocation), true)
  }
  for (const revocation of [byId(ID), byPrefix('database'), byPrefix('authors')]) {
    assert.equal(mayEndTokens(revocation), false)
  }
})

test('what may have been revoked is evicted; what the caller may not revoke is kept', () => {
  assert.equal(evictsAfter('ok'), true)
  assert.equal(evictsAfter('unknown'), true)
  for (const status of [400, 404, 429, 500, 503]) assert.equal(evictsAfter({ status }), true)
  assert.equal(evictsAfter({ status: 403 }), false)
})
