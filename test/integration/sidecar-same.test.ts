import assert from 'node:assert/strict'
import test from 'node:test'
import { startBao } from '../support/bao.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { ask, openWorld } from './sidecar-world.ts'

const skip = await realServersAbsent()

type Step = readonly [
  method: string,
  path: string,
  body?: object | string | undefined,
  headers?: Readonly<Record<string, string>>,
]

// Each is one legal name of its own.
const NAMES = [
  ...['plain', 'a?b', 'a#b', 'a%b', 'a%2Fb', 'a\\b', 'a..b', '..a', 'a+b', '+', 'a*', 'a b', ' lead', 'trail '],
  ...['a&b=c', "quote'd", '"double"', 'a;b', 'a:b', '日本', '🔑', 'caf\u00e9', 'cafe\u0301', '~tilde', 'a,b', 'LIST'],
]

const VALUE = { text: 'x<y>&z \u2028', n: 1.5, big: 9007199254740991, list: [1, null, { a: true }], '2': 'b', '1': 'a' }

function perName(name: string): readonly Step[] {
  const at = encodeURIComponent(name)
  return [
    ['POST', `one/${at}`, VALUE],
    ['GET', `one/${at}`],
    ['PUT', `two/data/${at}`, { data: VALUE, options: { cas: 0 } }],
    ['GET', `two/data/${at}`],
    ['POST', `two/data/${at}`, { data: { again: 1 }, options: { cas: 0 } }],
    ['DELETE', `two/data/${at}`],
    ['GET', `two/data/${at}`],
    ['GET', `two/metadata/${at}`],
  ]
}

const PLAINTEXT = Buffer.from('hello').toString('base64')

const SCRIPT: readonly Step[] = [
  ['POST', 'sys/mounts/one', { type: 'kv' }],
  ['POST', 'sys/mounts/two', { type: 'kv', options: { version: '2' } }],
  ['POST', 'two/config', { max_versions: 3 }],
  ['POST', 'sys/mounts/transit', { type: 'transit' }],
  ['POST', 'sys/auth/userpass', { type: 'userpass' }],
  ...NAMES.flatMap(perName),
  ['LIST', 'one'],
  ['LIST', 'one/'],
  ['GET', 'one/?list=true'],
  ['GET', 'one?list=T'],
  ['LIST', 'two/metadata'],
  ['LIST', 'two/metadata/nothing/here'],
  ['SCAN', 'one'],
  ['GET', 'two/metadata?scan=true'],
  ['GET', 'two/data/plain?version=1'],
  ['GET', 'two/data/plain?version=99'],
  ['PATCH', 'two/data/LIST', { data: { more: 2 } }, { 'content-type': 'application/merge-patch+json' }],
  ['POST', 'two/undelete/plain', { versions: [1] }],
  ['GET', 'two/data/plain'],
  ['GET', 'two/subkeys/plain'],
  ['PUT', 'two/destroy/plain', { versions: [1] }],
  ['GET', 'two/data/plain?version=1'],
  ['DELETE', 'two/metadata/plain'],
  ['GET', 'one/none'],
  ['DELETE', 'one/none'],
  ['DELETE', 'one/plain'],
  ['GET', 'nothing/here'],
  ['POST', 'nothing/here', { a: 1 }],
  ['LIST', 'nothing'],
  ['GET', 'sys/nothing'],
  ['POST', 'two/data/bad', { data: 1 }],
  ['POST', 'two/data/bad', {}],
  ['POST', 'two/data/bad'],
  ['POST', 'one/curl', '{"form":"json after all"}', { 'content-type': 'application/x-www-form-urlencoded' }],
  ['GET', 'one/curl'],
  ['POST', 'transit/keys/k'],
  ['GET', 'transit/keys'],
  ['LIST', 'transit/keys'],
  ['POST', 'transit/encrypt/k', { plaintext: PLAINTEXT }],
  ['POST', 'transit/encrypt/k', { plaintext: 'no base64!' }],
  ['POST', 'transit/encrypt/k', { batch_input: [{ plaintext: PLAINTEXT }, { plaintext: PLAINTEXT }] }],
  ['POST', 'transit/decrypt/k', { ciphertext: 'vault:v1:none' }],
  ['POST', 'transit/decrypt/k', { batch_input: [{ ciphertext: 'vault:v1:none' }] }],
  ['POST', 'transit/hash', { input: PLAINTEXT }],
  ['POST', 'transit/keys/k/rotate'],
  ['DELETE', 'transit/keys/k'],
  ['GET', 'sys/health'],
  ['GET', 'sys/health?sealedcode=299&activecode=288'],
  ['HEAD', 'sys/health'],
  ['GET', 'sys/seal-status'],
  ['GET', 'sys/leader'],
  ['GET', 'sys/mounts'],
  ['GET', 'sys/mounts/one'],
  ['GET', 'sys/internal/ui/mounts/two/data/a'],
  ['GET', 'sys/policies/acl'],
  ['LIST', 'sys/policies/acl'],
  ['PUT', 'sys/policies/acl/p', { policy: 'path "a" { capabilities = ["read"] }' }],
  ['GET', 'sys/policies/acl/p'],
  ['PUT', 'sys/policies/acl/p', { policy: 'path {' }],
  ['GET', 'sys/policy'],
  ['POST', 'sys/capabilities-self', { paths: ['one/a', 'sys/mounts'] }],
  ['PUT', 'sys/leases/lookup', { lease_id: 'none' }],
  ['PUT', 'sys/leases/renew', { lease_id: 'none' }],
  ['PUT', 'sys/leases/revoke', { lease_id: 'none' }],
  ['POST', 'auth/userpass/users/u', { password: 'p-of-u', token_ttl: '5m' }],
  ['GET', 'auth/userpass/users/u'],
  ['POST', 'auth/userpass/login/u', { password: 'p-of-u' }],
  ['POST', 'auth/userpass/login/u', { password: 'wrong' }],
  ['POST', 'auth/token/create', { ttl: '5m', policies: ['default'] }],
  ['POST', 'auth/token/create', { ttl: 'soon' }],
  ['GET', 'one/curl', undefined, { 'x-vault-wrap-ttl': '60' }],
  ['GET', 'one/none', undefined, { 'x-vault-wrap-ttl': '1m' }],
  ['POST', 'sys/wrapping/wrap', { a: 1 }, { 'x-vault-wrap-ttl': '60s' }],
  ['POST', 'sys/wrapping/unwrap', { token: 'none' }],
  ['POST', 'sys/tools/random/8', { format: 'hex' }],
  ['DELETE', 'sys/mounts/one'],
  ['GET', 'one/curl'],
]

/** What differs between two servers that did the same. */
const OWN: ReadonlySet<string> = new Set([
  ...['request_id', 'accessor', 'wrapped_accessor', 'token', 'client_token', 'entity_id', 'uuid', 'random_bytes'],
  ...['created_time', 'updated_time', 'deletion_time', 'creation_time', 'ciphertext', 'cluster_id', 'cluster_name'],
  ...['server_time_utc', 'build_date', 'leader_address', 'leader_cluster_address', 'active_time', 'modified', '1', '2'],
])

/** The server writes these as Go walks its maps: in another order each time. */
const SHUFFLED: ReadonlySet<string> = new Set([
  ...['sys/mounts', 'sys/mounts/one', 'sys/policy'],
  ...['sys/capabilities', 'sys/capabilities-self', 'sys/capabilities-accessor'],
])

function comparable(path: string, text: string): string {
  if (!text.startsWith('{')) return text
  if (SHUFFLED.has(path)) return [...masked(text)].sort().join('')
  return masked(text)
}

function masked(text: string): string {
  return JSON.stringify(JSON.parse(text), (name, value) => {
    if (!OWN.has(name) || value === '' || value === null || typeof value === 'object') return value
    // Names of secrets are numbers too.
    return (name === '1' || name === '2') && typeof value === 'string' ? value : `<${typeof value}>`
  })
}

test(`a script of ${SCRIPT.length} requests has the same status and body straight and through`, { skip }, async (t) => {
  assert.ok(SCRIPT.length >= 200)
  const [straight, behind] = await Promise.all([startBao(t), startBao(t)])
  const { address } = await openWorld(t, behind)
  for (const bao of [straight, behind]) await bao.root('POST', 'secret/data/ready', { data: {} })

  let same = 0
  const others: string[] = []
  for (const [method, path, body, headers = {}] of SCRIPT) {
    const what = `${method} ${path} ${JSON.stringify(body ?? '')}`
    const sent = typeof body === 'object' ? JSON.stringify(body) : body
    const options = (more: Readonly<Record<string, string>>): Parameters<typeof ask>[3] => ({
      ...(sent === undefined ? {} : { body: sent }),
      headers: { ...headers, ...more },
    })
    const [own, ours] = await Promise.all([
      ask(straight.address, method, `/v1/${path}`, options({ 'x-vault-token': straight.rootToken })),
      ask(address, method, `/v1/${path}`, options({})),
    ])
    const [is, shouldBe] = [ours, own].map(({ status, text, headers: told }) =>
      [status, told['content-type'], comparable(path, text)].join(' '),
    )
    if (is === shouldBe) same += 1
    else others.push(`${what}\n  straight ${shouldBe?.slice(0, 300)}\n  through  ${is?.slice(0, 300)}`)
  }
  assert.equal(others.join('\n'), '')
  assert.equal(same, SCRIPT.length)
  t.diagnostic(`${same} requests alike`)
})
