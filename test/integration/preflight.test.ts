import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { token } from 'portcullis'
import { portcullis, temporaryFolder } from '../adapters/cli/command.ts'
import { type Bao, startBao } from '../support/bao.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { openGateway } from './real.ts'

const skip = await realServersAbsent()

/** Quotes, a backslash, and what begins an expression in HCL. */
const ODD = ['kv/data/a"b$', '{x\\é'].join('')

const POLICY = {
  policy: 'orders',
  rules: [
    { id: 'kv', path: 'kv/data/{{caller.service}}/*', operations: ['read', 'write'], effect: 'allow' },
    { id: 'list', path: 'kv/metadata/+/', operations: ['list'], effect: 'allow' },
    { id: 'odd', path: ODD, operations: ['read'], effect: 'allow' },
    { id: 'creds', path: 'database/creds/orders', operations: ['read'], effect: 'allow' },
    { id: 'any', path: 'transit/keys/x', operations: ['*'], effect: 'allow' },
    { id: 'sudo', path: 'sys/audit', operations: ['read', 'sudo'], effect: 'allow' },
    { id: 'no', path: 'sys/raw/*', operations: ['*'], effect: 'forbid' },
  ],
}
const GRANTED =
  'path "database/creds/*" { capabilities = ["read"] }\npath "kv/data/orders/*" { capabilities = ["delete", "read"] }'

async function tokenOf(bao: Bao, policies: readonly string[]): Promise<string> {
  const { body } = await bao.root('POST', 'auth/token/create', { policies })
  return body.auth.client_token
}

test('what policies promise and the token lacks is found, and the policy printed for it grants just that', {
  skip,
}, async (t) => {
  const bao = await startBao(t)
  await bao.root('PUT', 'sys/policies/acl/orders', { policy: GRANTED })
  const { gateway } = await openGateway(t, bao, {
    policies: [POLICY],
    caller: { service: 'orders' },
    auth: token({ token: await tokenOf(bao, ['orders']) }),
  })
  const { ok, paths, missing, own, hcl } = await gateway.preflight()
  assert.deepEqual([ok, paths], [false, 6])
  assert.deepEqual(
    missing.map(({ path, missing: lacking }) => [path, lacking.join()]),
    [
      ['kv/data/orders/*', 'create,update'],
      ['kv/metadata/+/', 'list'],
      [ODD, 'read'],
      ['transit/keys/x', 'read'],
      ['sys/audit', 'read,sudo'],
    ],
  )
  assert.deepEqual(
    own.map(({ path }) => path),
    ['sys/leases/revoke'],
  )
  assert.match(
    hcl[''] ?? '',
    /path "kv\/data\/orders\/\*" \{\n {2}capabilities = \["create", "read", "update", "delete"\]\n\}/,
  )
  await bao.root('PUT', 'sys/policies/acl/more', { policy: hcl[''] ?? '' })
  const after = await openGateway(t, bao, {
    policies: [POLICY],
    caller: { service: 'orders' },
    auth: token({ token: await tokenOf(bao, ['orders', 'more']) }),
  })
  assert.deepEqual((await after.gateway.preflight()).missing, [])
})

test('a scoped caller is told of its own promises, by its own token', { skip }, async (t) => {
  const bao = await startBao(t)
  const subject = { properties: { user: { const: 'u' } }, required: ['user'] }
  const own = { policy: 'u', subject, rules: [{ path: 'kv/data/u', operations: ['read'], effect: 'allow' }] }
  const { gateway } = await openGateway(t, bao, { policies: [own], auth: token({ token: bao.rootToken }) })
  assert.equal((await gateway.preflight()).paths, 0)
  const scoped = gateway.as({ user: 'u' }, { token: await tokenOf(bao, ['default']) })
  const { missing } = await scoped.preflight()
  assert.deepEqual(
    missing.map(({ path, rules }) => [path, rules.join()]),
    [['kv/data/u', 'u/rule-0']],
  )
})

test('doctor says what would not work, and prints the policy that mends it', { skip }, async (t) => {
  const bao = await startBao(t)
  const folder = temporaryFolder(t)
  mkdirSync(join(folder, 'policies'))
  writeFileSync(join(folder, 'policies/orders.json'), JSON.stringify({ ...POLICY, rules: POLICY.rules.slice(1, 2) }))
  const env = { BAO_ADDR: bao.address, BAO_TOKEN: await tokenOf(bao, ['default']) }
  const ran = await portcullis(['doctor', '--policies', 'policies', '--caller', '{"service":"orders"}'], {
    cwd: folder,
    env,
  })
  assert.equal(ran.code, 1, ran.stderr)
  const [server, clock, life, ...rest] = ran.stdout.trimEnd().split('\n')
  assert.match(server ?? '', /^ok {4}server: active, version 2\./)
  assert.equal(clock, 'ok    clock: agrees with the server')
  assert.match(life ?? '', /^ok {4}token: it lives for \d+ s more, and can be renewed$/)
  assert.deepEqual(rest, [
    'fail  rights: kv/metadata/+/: the token lacks list, which orders/list promises',
    'fail  rights: this server policy would grant what is missing:',
    '      path "kv/metadata/+/" {',
    '        capabilities = ["list"]',
    '      }',
    'warn  rights: sys/leases/revoke: the token lacks update: a lease that is given back lives on until its token ends',
  ])
  const unknown = await portcullis(['doctor', '--json'], { cwd: folder, env: { ...env, BAO_TOKEN: 's.unknown' } })
  assert.equal(unknown.code, 1)
  assert.deepEqual(JSON.parse(unknown.stdout).findings.at(-1), {
    level: 'fail',
    what: 'token',
    message: 'the server does not know it, or it may not look itself up',
  })
  const nobody = await portcullis(['doctor', '--address', 'http://127.0.0.1:1'], { cwd: folder, env })
  assert.deepEqual(
    [nobody.code, nobody.stdout],
    [1, 'fail  server: http://127.0.0.1:1 did not answer GET sys/health: ECONNREFUSED\n'],
  )
})

test('doctor tells an operator how the logs of both sides are joined', { skip }, async (t) => {
  const bao = await startBao(t, { apiAudit: true })
  const env = { BAO_ADDR: bao.address, BAO_TOKEN: bao.rootToken }
  const found = async (): Promise<string> => (await portcullis(['doctor'], { cwd: temporaryFolder(t), env })).stdout
  const command = 'bao write sys/config/auditing/request-headers/X-Correlation-Id hmac=false'
  assert.ok((await found()).includes(`      ${command}\n`))
  await bao.root('PUT', 'sys/config/auditing/request-headers/X-Correlation-Id', { hmac: true })
  assert.match(await found(), /^warn {2}audit: the server's log hashes X-Correlation-Id/m)
  await bao.root('PUT', 'sys/config/auditing/request-headers/X-Correlation-Id', { hmac: false })
  assert.match(await found(), /^ok {4}audit: the server's log tells X-Correlation-Id/m)
})
