import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { realServersAbsent } from './support/real-servers.ts'

const skip = await realServersAbsent()
const demo = join(import.meta.dirname, '..', 'examples', 'demo', 'demo.ts')

/** What a person must have been shown, in order; `place` is where the secrets are, `name` how the service is called there. */
const shown = (place: string, name: string): readonly RegExp[] => [
  new RegExp(`logged in with ${place === 'host' ? 'plugin-host' : 'approle'}`),
  /kv\/orders\/theme = \{"color":"green"\}/,
  /allowed by policy orders, rule theme/,
  /read kv\/data\/payroll\/salaries denied by policy guardrails, rule no-payroll/,
  new RegExp(`PostgreSQL says: you are v-${name}-orders-`),
  new RegExp(`200 answers, 1 user; leases at the ${place}: 1`),
  /encrypted: vault:v1:/,
  /write transit\/encrypt\/cards denied by policy orders, rule card-keys: \/data\/plaintext must have at most 64 characters/,
  /renewed with [\d.]+ s left, [\d.]+ s again/,
  new RegExp(`PostgreSQL says: you are v-${name}-renewed-`),
  /\d{3,} queries in [\d.]+ s, 0 failed, by [3-9] users in turn/,
  /users left in PostgreSQL: 0/,
  new RegExp(`tokens revoked at the ${place}: 1; the service goes on reading`),
  /logged in with/,
  /\d+ reads, 0 failed, 1 login; a new user after [\d.]+ s/,
  new RegExp(`PostgreSQL says: you are v-${name}-orders-`),
  /the old user can no longer log in/,
]

const SHOWN_BY_THE_HOST = [
  /ticket 1 from process \d+/,
  /kill -9 \d+: that process is gone/,
  /ticket 2 from process \d+/,
  /[1-9]\d* reads of kv meanwhile, 0 failed/,
  /two users for a job: one on a lease for (?:600|599(?:\.\d)?) s, one for [\d.]+ s/,
  /closed; what lies on the disk: \d+ KiB, encrypted; the root key in a file of mode 0600/,
  /opened; leases it knows on database\/creds\/orders: 1, the one of before/,
  /PostgreSQL says: you are v-token-orders-/,
  /the user whose lease ran out can no longer log in there/,
  /the other one neither, once its lease is revoked/,
]

const SHOWN_AT_THE_END = [
  /portcullis write sys\/leases\/renew: allow \(own\)/,
  /from cache: allow \(orders\/db\)/,
  /What happened/,
  /200 more reads +from the cache/,
  /queries during rotations +0 of \d+ failed/,
  /reads around a killed token +0 of \d+ failed/,
]

test('the demo shows the whole job on a plugin host, without a server, and ends well', { skip }, async () => {
  const { code, output } = await run([])
  assert.equal(code, 0, output)
  assertShown(output, [...shown('host', 'gateway'), ...SHOWN_BY_THE_HOST, ...SHOWN_AT_THE_END])
  const processes = [...output.matchAll(/ticket \d from process (\d+)/g)].map(([, id]) => id)
  assert.equal(new Set(processes).size, 2, output)
  assert.doesNotMatch(output, /OpenBao/)
})

test('the demo shows the same on a real server', { skip }, async () => {
  const { code, output } = await run(['--server'])
  assert.equal(code, 0, output)
  assertShown(output, [...shown('server', 'approle'), ...SHOWN_AT_THE_END])
})

for (const words of [['--sever'], ['--server', 'now'], ['-h']]) {
  test(`the demo refuses ${words.join(' ')} with how it is used`, async () => {
    const { code, output } = await run(words)
    assert.equal(code, 2)
    assert.match(output, /^usage: npm run demo .*\n +npm run demo -- --server .*\n$/)
  })
}

function assertShown(output: string, patterns: readonly RegExp[]): void {
  let at = 0
  for (const pattern of patterns) {
    const found = pattern.exec(output.slice(at))
    assert.ok(found !== null, `${pattern} after:\n${output.slice(0, at)}\n…in:\n${output}`)
    at += found.index
  }
  // Whatever the demo shows of the audit, no password stands there in clear.
  assert.doesNotMatch(output, /"password":"(?!hmac-sha256:)/)
}

async function run(words: readonly string[]): Promise<{ readonly code: unknown; readonly output: string }> {
  const child = spawn(process.execPath, ['-C', 'portcullis-source', demo, ...words])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const code = await new Promise((resolve) => child.once('close', resolve))
  return { code, output }
}
