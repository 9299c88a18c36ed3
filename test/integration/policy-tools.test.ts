import assert from 'node:assert/strict'
import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { createGateway, file, type Gateway, type PoliciesOption, token } from 'portcullis'
import { type Ended, portcullis, temporaryFolder } from '../adapters/cli/command.ts'
import { type Bao, startBao } from '../support/bao.ts'
import { enableDatabase, startPostgres } from '../support/postgres.ts'
import { realServersAbsent } from '../support/real-servers.ts'

const skip = await realServersAbsent()

/** What the service does on any day. */
async function work(gateway: Gateway): Promise<void> {
  for (const id of ['1001', '1002', '1003']) {
    await gateway.write(`kv/data/orders/${id}`, { data: { card: 'tok_abc', total: 12.5 }, options: { cas: 0 } })
    await gateway.read(`kv/data/orders/${id}`)
  }
  await gateway.list('kv/metadata/orders')
  for (const plaintext of ['c2hvcnQ=', 'YSBiaXQgbG9uZ2Vy']) {
    const { data } = await gateway.write('transit/encrypt/cards', { plaintext })
    await gateway.write('transit/decrypt/cards', { ciphertext: data.ciphertext })
  }
  await gateway.write('pki/issue/web', { common_name: 'orders.example', ttl: '1h' })
  await gateway.read('database/creds/app')
}

/** What it never did, and what the refusal has to say. */
const ATTACKS: readonly (readonly [what: string, run: (gateway: Gateway) => Promise<unknown>, message: RegExp])[] = [
  [
    'a field that was never sent',
    (gateway) => gateway.write('transit/encrypt/cards', { plaintext: 'AAAA', key_version: 1 }),
    /^write transit\/encrypt\/cards denied by policy suggested, rule \S+: \/data must have no properties but "plaintext" \(additionalProperties\)$/,
  ],
  [
    'far more than was ever sent',
    (gateway) => gateway.write('transit/encrypt/cards', { plaintext: 'A'.repeat(4096) }),
    /: \/data\/plaintext must have at most 16 characters \(maxLength\)$/,
  ],
  [
    'another type',
    (gateway) => gateway.write('kv/data/orders/1004', { data: { card: 7, total: 1 }, options: { cas: 0 } }),
    /: \/data\/data\/card must be of type string \(type\)$/,
  ],
  [
    'another key',
    (gateway) => gateway.read('transit/export/encryption-key/cards'),
    /: no rule of the policies that bind the caller \(suggested\) matches the path/,
  ],
  ['another operation', (gateway) => gateway.delete('kv/data/orders/1001'), /does not grant delete/],
  ['another role', (gateway) => gateway.read('database/creds/admin'), /matches the path/],
  [
    'another name in a certificate',
    (gateway) => gateway.write('pki/issue/web', { common_name: 'a', ttl: '1h', alt_names: 'b' }),
    /: \/data must have no properties but "common_name", "ttl"/,
  ],
]

async function prepare(bao: Bao): Promise<void> {
  for (const type of ['transit', 'pki']) await bao.root('POST', `sys/mounts/${type}`, { type })
  await bao.root('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  await bao.root('POST', 'transit/keys/cards', {})
  await bao.root('POST', 'pki/root/generate/internal', { common_name: 'root' })
  await bao.root('POST', 'pki/roles/web', { allow_any_name: true, max_ttl: '24h' })
}

test('a policy for a real server: generated, tightened by a record, tested, compiled, and in force', {
  skip,
}, async (t) => {
  const [bao, postgres] = await Promise.all([startBao(t), startPostgres(t)])
  await prepare(bao)
  await enableDatabase(bao, postgres)
  const cwd = temporaryFolder(t)
  const env = { BAO_ADDR: bao.address, BAO_TOKEN: bao.rootToken }
  const run = async (...args: readonly string[]): Promise<Ended> => {
    const ended = await portcullis(['policy', ...args], { cwd, env })
    assert.equal(ended.code, 0, `${args.join(' ')}: ${ended.stdout}${ended.stderr}`)
    return ended
  }
  const open = async (policies: PoliciesOption, audit: string): Promise<Gateway> => {
    const gateway = await createGateway({
      server: { address: bao.address },
      auth: token({ token: bao.rootToken }),
      policies,
      caller: { service: 'orders' },
      audit: { devices: [file(join(cwd, audit))], shape: true },
    })
    t.after(() => gateway.close())
    return gateway
  }

  // A beginning: what the mounts offer, writes under schemas of their fields.
  mkdirSync(join(cwd, 'wide'))
  const mounts = ['kv/', 'transit/', 'pki/', 'database/'].flatMap((mount) => ['--mount', mount])
  await run('generate', ...mounts, '--name', 'wide', '-o', 'wide/wide.json')
  const wide = await open(join(cwd, 'wide'), 'wide.jsonl')
  await work(wide)
  await wide.close()

  // Narrowed to what was done; over the same record nothing changes.
  mkdirSync(join(cwd, 'narrow'))
  await run('suggest', 'wide.jsonl', '-o', 'narrow')
  await run('check', 'narrow')
  const replayed = JSON.parse((await run('replay', 'wide.jsonl', '--against', 'narrow', '--json')).stdout)
  assert.deepEqual([replayed.changes, replayed.same], [[], replayed.requests])
  assert.equal(replayed.requests, 13)

  // Its tests stand beside it.
  const caller = { service: 'orders' }
  writeFileSync(
    join(cwd, 'narrow/orders.policy-test.json'),
    JSON.stringify({
      tests: [
        { name: 'an order', caller, operation: 'read', path: 'kv/data/orders/77', expect: { effect: 'allow' } },
        { name: 'a key', caller, operation: 'read', path: 'transit/keys/cards', expect: { effect: 'deny' } },
        {
          name: 'another service',
          caller: { service: 'x' },
          operation: 'read',
          path: 'kv/data/orders/77',
          expect: { effect: 'deny' },
        },
      ],
    }),
  )
  await run('test', 'narrow')

  // Compiled, and in force.
  await run('compile', 'narrow', '-o', 'policies.mjs')
  const { default: policies } = await import(pathToFileURL(join(cwd, 'policies.mjs')).href)
  const gateway = await open(policies, 'narrow.jsonl')
  await bao.root('DELETE', 'kv/metadata/orders/1001')
  await bao.root('DELETE', 'kv/metadata/orders/1002')
  await bao.root('DELETE', 'kv/metadata/orders/1003')
  await work(gateway)
  for (const [what, attack, message] of ATTACKS) {
    await assert.rejects(attack(gateway), { code: 'ERR_PORTCULLIS_POLICY_DENIED', message }, what)
  }
})
