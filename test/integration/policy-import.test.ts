import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { createCaller, createPolicyEngine, importAcl } from 'portcullis/policy'
import { parseHcl } from '../../adapters/cli/hcl/parse.ts'
import { baoProgram } from '../../examples/support/bao-program.ts'
import type { JsonObject } from '../../lib/model/json.ts'
import { type Bao, startBao } from '../support/bao.ts'
import { realServersAbsent } from '../support/real-servers.ts'

const skip = await realServersAbsent()

const POLICIES: Readonly<Record<string, string>> = {
  plain: `
    # comments, and two attributes on one line
    name = "orders"
    path "plain/a/*" { capabilities = ["create", "update", "read"] comment = "x" }
    path "plain/a/secret" { capabilities = ["deny"] } // most specific wins
    path "plain/+/b" { policy = "read" }`,
  allowed: `
    path "plain/allowed" {
      capabilities = ["create", "update", "read"]
      allowed_parameters = { "ttl" = ["1h", "2*"], "n" = [5, true, 1.5], "any" = [] }
    }`,
  denied: `
    path "plain/denied" {
      capabilities = ["create", "update"]
      denied_parameters { "ttl" = ["*h"] "secret" = [] }
      allowed_parameters = { "*" = [] }
    }
    path "plain/closed" { capabilities = ["create", "update"]  denied_parameters = { "*" = [] } }
    path "plain/denied-only" { capabilities = ["create", "update"]  denied_parameters = { "x" = [] } }`,
  required: `
    path "plain/read" { capabilities = ["read", "create", "update"]  required_parameters = ["A"] denied_parameters = { "x" = [] } }
    path "plain/required" { capabilities = ["create", "update"]  required_parameters = ["a", "b"] }
    path "plain/required-closed" { capabilities = ["create", "update"]  required_parameters = ["a"] allowed_parameters = { "b" = [] } }`,
  others: `
    path "plain/others" { capabilities = ["create", "update"]  allowed_parameters = { "*" = ["x"] "a" = [] } }
    path "plain/heredoc" { capabilities = ["read"] }`,
}

const DATA: readonly JsonObject[] = [
  {},
  ...[{ ttl: '1h' }, { ttl: '2m' }, { ttl: '3h' }, { TTL: '1h' }, { ttl: 1 }, { ttl: '1h', x: 'y' }, { Ttl: '9h' }],
  ...[
    { n: 5 },
    { n: '5' },
    { n: true },
    { n: 6 },
    { any: 'thing' },
    { any: { deep: 1 } },
    { secret: 1 },
    { SECRET: 1 },
  ],
  ...[{ x: 1 }, { X: 1 }, { a: 1 }, { a: 1, b: 2 }, { a: 1, b: 2, c: 3 }, { b: 2 }, { a: 'x', z: 'x' }, { z: 'y' }],
]
const QUERIES: readonly Readonly<Record<string, string>>[] = [
  {},
  { ttl: '1h' },
  { a: '1', b: '2' },
  { x: '1' },
  { secret: 's' },
]
const PATHS = [
  'a/x',
  'a/secret',
  'a/secret/x',
  'z/b',
  'z/b/c',
  'allowed',
  'denied',
  'closed',
  'denied-only',
  'required',
]
  .concat('required-closed', 'others', 'read', 'nowhere')
  .map((path) => `plain/${path}`)

/** Names that differ in case alone from one that is allowed: the gateway wants them as they are written. */
const isOtherCase = (data: JsonObject): boolean => Object.keys(data).some((name) => name !== name.toLowerCase())

async function tokenFor(bao: Bao, name: string, text: string): Promise<string> {
  await bao.root('PUT', `sys/policies/acl/${name}`, { policy: text })
  const { body } = await bao.root('POST', 'auth/token/create', { policies: [name], no_default_policy: true })
  return body.auth.client_token
}

test('a server policy that was imported decides as the server does, request by request', { skip }, async (t) => {
  const bao = await startBao(t)
  await bao.root('POST', 'sys/mounts/plain', { type: 'kv', options: { version: '1' } })
  let compared = 0
  for (const [name, text] of Object.entries(POLICIES)) {
    const token = await tokenFor(bao, name, text)
    const { policy } = importAcl((await parseHcl(name, text)) as JsonObject, { file: name })
    const engine = await createPolicyEngine([{ file: name, document: policy }], { namespace: '' })
    const caller = createCaller({})
    for (const path of PATHS) {
      for (const data of DATA) {
        const base = { path, namespace: '', query: {}, body: undefined, wrapTtlMs: 0 }
        const { decision } = engine.decide(caller, { ...base, operation: 'write', data })
        const { status } = await bao.call(token, 'POST', path, data)
        // An empty body is a 400 of kv v1, after it was let through.
        const isAllowed = status !== 403
        const isStricter = isAllowed && decision.effect === 'deny' && isOtherCase(data)
        if (!isStricter)
          assert.equal(decision.effect === 'allow', isAllowed, `${name} ${path} ${JSON.stringify(data)} ${status}`)
        compared += 1
      }
      for (const query of QUERIES) {
        const read = { path, namespace: '', query, body: undefined, wrapTtlMs: 0, data: undefined }
        const { decision } = engine.decide(caller, { ...read, operation: 'read' })
        const { status } = await bao.call(token, 'GET', `${path}?${new URLSearchParams(query)}`)
        assert.equal(decision.effect === 'allow', status !== 403, `${name} ${path} ${JSON.stringify(query)} ${status}`)
        compared += 1
      }
    }
  }
  assert.ok(compared >= 1000, String(compared))
  t.diagnostic(`${compared} requests compared`)
})

test('HCL is read as the server reads it: what its own formatter makes of a file says the same', { skip }, async () => {
  const bao = await baoProgram()
  const folder = mkdtempSync(join(tmpdir(), 'acl-'))
  try {
    for (const [name, text] of Object.entries(POLICIES)) {
      const path = join(folder, `${name}.hcl`)
      writeFileSync(path, text)
      execFileSync(bao, ['policy', 'fmt', path], { stdio: 'ignore' })
      const formatted = readFileSync(path, 'utf8')
      assert.notEqual(formatted, text)
      const [one, other] = await Promise.all(
        [text, formatted].map(async (each) => importAcl((await parseHcl(name, each)) as JsonObject, { file: name })),
      )
      assert.deepEqual(other, one)
    }
  } finally {
    rmSync(folder, { recursive: true })
  }
})
