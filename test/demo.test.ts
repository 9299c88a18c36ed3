import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import test from 'node:test'
import { realServersAbsent } from './support/real-servers.ts'

const skip = await realServersAbsent()
const demo = join(import.meta.dirname, '..', 'examples', 'demo', 'demo.ts')

/** What a person must have been shown, in order. */
const SHOWN = [
  /logged in with approle/,
  /allowed by policy orders, rule theme/,
  /read kv\/data\/payroll\/salaries denied by policy guardrails, rule no-payroll/,
  /PostgreSQL says: you are v-approle-orders-/,
  /200 answers, 1 user; leases at the server: 1/,
  /encrypted: vault:v1:/,
  /write transit\/encrypt\/cards denied by policy orders, rule card-keys: \/data\/plaintext must have at most 64 characters/,
  /renewed with [\d.]+ s left, [\d.]+ s again/,
  /PostgreSQL says: you are v-approle-renewed-/,
  /\d{3,} queries in [\d.]+ s, 0 failed, by [3-9] users in turn/,
  /users left in PostgreSQL: 0/,
  /tokens revoked at the server: 1; the service goes on reading/,
  /logged in with approle/,
  /\d+ reads, 0 failed, 1 login; a new user after [\d.]+ s/,
  /PostgreSQL says: you are v-approle-orders-/,
  /the old user can no longer log in/,
  /portcullis write sys\/leases\/renew: allow \(own\)/,
  /from cache: allow \(orders\/db\)/,
  /What happened/,
  /200 more reads +from the cache/,
  /queries during rotations +0 of \d+ failed/,
  /reads around a killed token +0 of \d+ failed/,
]

test('the demo shows the whole job on real servers, in order, and ends well', { skip }, async () => {
  const child = spawn(process.execPath, ['-C', 'portcullis-source', demo])
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  const code = await new Promise((resolve) => child.once('close', resolve))

  assert.equal(code, 0, output)
  let at = 0
  for (const pattern of SHOWN) {
    const found = pattern.exec(output.slice(at))
    assert.ok(found !== null, `${pattern} after:\n${output.slice(0, at)}\n…in:\n${output}`)
    at += found.index
  }
  // Whatever the demo shows of the audit, no password stands there in clear.
  assert.doesNotMatch(output, /"password":"(?!hmac-sha256:)/)
})
