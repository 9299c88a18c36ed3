import assert from 'node:assert/strict'
import { test } from 'node:test'
import { CASE_FOLDED, SUDO } from '../../lib/policy/analysis/server-paths.ts'
import { type Bao, startBao } from '../support/bao.ts'
import { realServersAbsent } from '../support/real-servers.ts'

const skip = await realServersAbsent()
const PASSWORD = { password: 'not-a-real-one' }

/** A path where something can be stored, by the pattern that says whether its name is folded; `''`: it is kept apart. */
const NAMES: readonly (readonly [folded: string, path: string, body: object])[] = [
  ['auth/+/users/NAME', 'auth/userpass/users/web', PASSWORD],
  ['auth/+/role/NAME', 'auth/approle/role/web', {}],
  [
    'auth/+/role/NAME',
    'auth/kubernetes/role/web',
    { bound_service_account_names: 'a', bound_service_account_namespaces: 'b' },
  ],
  ['auth/+/role/NAME', 'auth/jwt/role/web', { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'a' }],
  ['identity/entity/name/NAME', 'identity/entity/name/web', {}],
  ['identity/group/name/NAME', 'identity/group/name/web', {}],
  ['sys/policies/acl/NAME', 'sys/policies/acl/web', { policy: 'path "a" { capabilities = ["read"] }' }],
  ['sys/policy/NAME', 'sys/policy/web2', { policy: 'path "a" { capabilities = ["read"] }' }],
  ['sys/config/ui/headers/NAME', 'sys/config/ui/headers/x-web', { values: ['a'] }],
  ['sys/config/auditing/request-headers/NAME', 'sys/config/auditing/request-headers/x-web', { hmac: false }],
  [
    'kubernetes/roles/NAME',
    'kubernetes/roles/web',
    { allowed_kubernetes_namespaces: ['*'], service_account_name: 'a' },
  ],
  ['', 'auth/token/roles/web', {}],
  ['', 'identity/oidc/key/web', {}],
  ['', 'transit/keys/web', {}],
  ['', 'pki/roles/web', {}],
  ['', 'ssh/roles/web', { key_type: 'ca', allow_user_certificates: true }],
  ['', 'secret/data/web', { data: { a: 1 } }],
]

test('names are folded where the check says so, and kept apart elsewhere', { skip }, async (t) => {
  const bao = await startBao(t)
  for (const type of ['userpass', 'approle', 'kubernetes', 'jwt', 'cert'])
    await bao.root('POST', `sys/auth/${type}`, { type })
  for (const type of ['kubernetes', 'transit', 'pki', 'ssh']) await bao.root('POST', `sys/mounts/${type}`, { type })
  const measured = new Set<string>()
  for (const [folded, path, body] of NAMES) {
    await bao.root('POST', path, body)
    const { status } = await bao.call(bao.rootToken, 'GET', spelled(path))
    assert.equal(status, folded === '' ? 404 : 200, path)
    if (folded !== '') measured.add(folded)
  }
  await bao.root('POST', 'auth/userpass/login/WEB', PASSWORD)
  measured.add('auth/+/login/NAME')
  await certificate(bao)
  measured.add('auth/+/certs/NAME')
  assert.deepEqual([...measured].sort(), [...CASE_FOLDED].sort())
})

/** Folded names, and whether the server judges them by its own policies in lower case, too. */
const JUDGED: readonly (readonly [path: string, body: object, isLower: boolean])[] = [
  ['auth/userpass/users/web', PASSWORD, true],
  ['auth/approle/role/web', {}, true],
  ['auth/kubernetes/role/web', { bound_service_account_names: 'a', bound_service_account_namespaces: 'b' }, true],
  ['sys/policies/acl/web', { policy: '' }, true],
  ['auth/jwt/role/web', { role_type: 'jwt', user_claim: 'sub', bound_audiences: 'a' }, false],
  ['identity/group/name/web', {}, false],
]

test('the server itself judges some of these names in lower case, and others as they are asked', {
  skip,
}, async (t) => {
  const bao = await startBao(t)
  for (const type of ['userpass', 'approle', 'kubernetes', 'jwt']) await bao.root('POST', `sys/auth/${type}`, { type })
  for (const [path, body] of JUDGED.filter(([name]) => !name.startsWith('sys/'))) await bao.root('POST', path, body)
  const denies = JUDGED.map(([path]) => `path "${path}" { capabilities = ["deny"] }`)
  const policy = ['path "*" { capabilities = ["read"] }', ...denies].join('\n')
  await bao.root('POST', 'sys/policies/acl/web', { policy })
  const { body: login } = await bao.root('POST', 'auth/token/create', { policies: ['web'] })
  for (const [path, , isLower] of JUDGED) {
    const asked = spelled(path)
    const told = await bao.root('POST', 'sys/capabilities', { token: login.auth.client_token, paths: [asked] })
    assert.deepEqual(told.body.data[asked], ['read'], 'what it tells of its judgement is not the judgement')
    assert.equal((await bao.call(login.auth.client_token, 'GET', asked)).status, isLower ? 403 : 200, asked)
  }
})

/** `path` with its last segment in capitals. */
function spelled(path: string): string {
  const at = path.lastIndexOf('/') + 1
  return path.slice(0, at) + path.slice(at).toUpperCase()
}

async function certificate(bao: Bao): Promise<void> {
  const authority = await bao.root('POST', 'pki/root/generate/internal', { common_name: 'example' })
  await bao.root('POST', 'auth/cert/certs/web', { certificate: authority.body.data.certificate })
  await bao.root('GET', 'auth/cert/certs/WEB')
}

/** A request on each path where sudo is asked for. */
const ASKED: Readonly<Record<string, readonly [method: string, path: string]>> = {
  'auth/token/accessors': ['LIST', 'auth/token/accessors'],
  'auth/token/accessors/': ['LIST', 'auth/token/accessors/'],
  'pki/root': ['DELETE', 'pki/root'],
  'pki/root/sign-self-issued': ['POST', 'pki/root/sign-self-issued'],
  'sys/audit': ['GET', 'sys/audit'],
  'sys/audit/*': ['POST', 'sys/audit/file'],
  'sys/auth/+': ['POST', 'sys/auth/more'],
  'sys/auth/+/tune': ['GET', 'sys/auth/token/tune'],
  'sys/config/auditing/request-headers': ['GET', 'sys/config/auditing/request-headers'],
  'sys/config/auditing/request-headers/+': ['GET', 'sys/config/auditing/request-headers/x'],
  'sys/config/cors': ['GET', 'sys/config/cors'],
  'sys/config/ui/headers/+': ['GET', 'sys/config/ui/headers/x'],
  'sys/internal/inspect/*': ['GET', 'sys/internal/inspect/router/root'],
  'sys/leases/lookup/*': ['LIST', 'sys/leases/lookup/a/'],
  'sys/leases/revoke-force/*': ['POST', 'sys/leases/revoke-force/a'],
  'sys/leases/revoke-prefix/*': ['POST', 'sys/leases/revoke-prefix/a'],
  'sys/plugins/catalog/+': ['GET', 'sys/plugins/catalog/secret'],
  'sys/plugins/catalog/+/+': ['GET', 'sys/plugins/catalog/secret/kv'],
  'sys/raw': ['GET', 'sys/raw'],
  'sys/raw/*': ['GET', 'sys/raw/a'],
  'sys/remount': ['POST', 'sys/remount'],
  'sys/revoke-force/*': ['POST', 'sys/revoke-force/a'],
  'sys/revoke-prefix/*': ['POST', 'sys/revoke-prefix/a'],
  'sys/rotate': ['POST', 'sys/rotate'],
  'sys/rotate/keyring': ['POST', 'sys/rotate/keyring'],
  'sys/rotate/root': ['POST', 'sys/rotate/root'],
  'sys/seal': ['POST', 'sys/seal'],
}

test('a token with every capability but sudo is refused where the check says that sudo is asked for', {
  skip,
}, async (t) => {
  const bao = await startBao(t)
  await bao.root('POST', 'sys/mounts/pki', { type: 'pki' })
  const all = 'capabilities = ["create", "read", "update", "patch", "delete", "list"]'
  await bao.root('POST', 'sys/policies/acl/all', { policy: `path "*" { ${all} }` })
  const { body } = await bao.root('POST', 'auth/token/create', { policies: ['all'] })
  assert.deepEqual(Object.keys(ASKED).sort(), [...SUDO].sort())
  for (const [method, path] of Object.values(ASKED)) {
    const answer = await bao.call(body.auth.client_token, method, path, method === 'POST' ? {} : undefined)
    assert.equal(answer.status, 403, `${method} ${path}: ${answer.status}`)
  }
  const { status } = await bao.call(body.auth.client_token, 'GET', 'sys/mounts')
  assert.equal(status, 200, 'elsewhere it is not refused')
})
