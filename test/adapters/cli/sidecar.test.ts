import assert from 'node:assert/strict'
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { createFakeServer } from 'portcullis/testing'
import { portcullis } from './command.ts'

function folder(t: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), 'portcullis-sidecar-'))
  t.after(() => rmSync(path, { recursive: true, force: true }))
  return path
}

const VALID = {
  server: { address: 'http://127.0.0.1:8200' },
  auth: { token: { tokenFile: 'token' } },
  policies: { folder: 'policies' },
  audit: { devices: [{ file: 'audit.jsonl' }] },
  listeners: [{ tcp: '127.0.0.1:0', caller: { service: 'a' } }],
}

test('--check finds every fault, each with its pointer and its place, and starts nothing', async (t) => {
  const cwd = folder(t)
  const wrong = {
    ...VALID,
    server: { addres: 'x' },
    auth: { token: { token: 'secret-in-a-config' } },
    listeners: [{ tcp: '127.0.0.1:0', caller: { service: 'a' }, templates: [] }],
  }
  writeFileSync(join(cwd, 'c.json'), JSON.stringify(wrong, undefined, 2))
  const { code, stderr } = await portcullis(['sidecar', '--config', 'c.json', '--check'], { cwd })
  assert.equal(code, 2)
  for (const expected of [
    'c.json:3:5: /server/addres: unknown key "addres" (did you mean "address"?)',
    '/server: the key "address" is missing',
    '/auth/token/token: unknown key "token"',
    '/auth/token: the key "tokenFile" is missing',
    '/listeners/0/templates: unknown key "templates"',
  ])
    assert.ok(stderr.includes(expected), `${expected}\n${stderr}`)
  assert.equal(stderr.includes('secret-in-a-config'), false)
})

const CONTRADICTIONS: readonly (readonly [change: object, pointer: string])[] = [
  [{ listeners: [{ tcp: '0.0.0.0:0', caller: { a: 'b' } }] }, '/listeners/0/tcp: is reached from other machines'],
  [{ listeners: [{ tcp: '127.0.0.1:0' }] }, '/listeners/0: would answer nobody'],
  [{ listeners: [{ tcp: 'nonsense', caller: { a: 'b' } }] }, '/listeners/0/tcp: must be host:port'],
  [
    { listeners: [{ tcp: '127.0.0.1:0', unix: 's', caller: { a: 'b' } }] },
    '/listeners/0: must have either tcp or unix',
  ],
  [{ listeners: [{ unix: 's', caller: { token: 'b' } }] }, '/listeners/0/caller'],
  [{ audit: { devices: [{ required: true }] } }, '/audit/devices/0: must have either file or stdout'],
  [{ auth: { cert: {} } }, '/auth/cert: needs'],
  [{ auth: { token: { tokenFile: 'a' }, cert: {} } }, '/auth: '],
  [{ cache: {} }, '/cache: unknown key'],
]

test('what a configuration says in vain, or against itself, is refused', async () => {
  const { ConfigError, parseConfig } = await import('portcullis/sidecar')
  for (const [change, expected] of CONTRADICTIONS) {
    const error = await parseConfig('c.json', JSON.stringify({ ...VALID, ...change })).then(
      () => undefined,
      (thrown: unknown) => thrown,
    )
    assert.ok(error instanceof ConfigError, expected)
    const lines = error.faults.map(({ pointer, message }) => `${pointer}: ${message}`)
    assert.ok(
      lines.some((line) => line.startsWith(expected)),
      lines.join('\n'),
    )
  }
})

test('local tokens are issued once, kept as hashes in a file of their owner, listed and revoked', async (t) => {
  const cwd = folder(t)
  const issue = ['token', 'issue', '--file', 'tokens.json', '--caller', 'service=orders', '--ttl', '1h']
  const { code, stdout } = await portcullis([...issue, '--json'], { cwd })
  assert.equal(code, 0)
  const { token, id } = JSON.parse(stdout)
  assert.match(token, /^pcl_[\w-]{43}$/)
  const kept = readFileSync(join(cwd, 'tokens.json'), 'utf8')
  assert.equal(kept.includes(token), false)
  assert.equal(statSync(join(cwd, 'tokens.json')).mode & 0o777, 0o600)

  const list = await portcullis(['token', 'list', '--file', 'tokens.json'], { cwd })
  assert.match(list.stdout, new RegExp(`${id} .*"service":"orders"`))
  assert.equal((await portcullis(['token', 'revoke', '--file', 'tokens.json', 'none'], { cwd })).code, 1)
  assert.equal((await portcullis(['token', 'revoke', '--file', 'tokens.json', id], { cwd })).code, 0)
  assert.deepEqual(JSON.parse(readFileSync(join(cwd, 'tokens.json'), 'utf8')), { tokens: [] })

  chmodSync(join(cwd, 'tokens.json'), 0o644)
  const open = await portcullis(issue, { cwd })
  assert.equal(open.code, 1)
  assert.match(open.stderr, /open to others/)
  assert.equal((await portcullis([...issue.slice(0, -1), 'soon'], { cwd })).code, 2)
})

test('the daemon serves, reloads policies at SIGHUP, and ends in order at SIGTERM', async (t) => {
  const cwd = folder(t)
  const server = createFakeServer({ rootToken: 'root-of-the-fake' })
  t.after(() => server.close())
  const address = await server.listen()
  mkdirSync(join(cwd, 'policies'))
  const policy = (rules: readonly object[]): void =>
    writeFileSync(join(cwd, 'policies', 'p.json'), JSON.stringify({ policy: 'p', rules }))
  policy([])
  writeFileSync(join(cwd, 'token'), 'root-of-the-fake', { mode: 0o600 })
  writeFileSync(join(cwd, 'c.json'), JSON.stringify({ ...VALID, server: { address } }))

  const statuses: number[] = []
  const ended = await portcullis(['sidecar', '--config', 'c.json'], {
    cwd,
    onStart: (child) => {
      let told = ''
      let asked = false
      child.stderr?.on('data', async (text: string) => {
        told += text
        const at = /listening on (\S+)/.exec(told)?.[1]
        if (at === undefined || (asked && !told.includes('reloaded')) || told.includes('ending')) return
        const { status } = await fetch(`${at}/v1/sys/health`, { headers: { 'x-vault-request': 'true' } })
        statuses.push(status)
        if (asked) return void child.kill('SIGTERM')
        asked = true
        policy([{ path: 'sys/health', operations: ['read'], effect: 'allow' }])
        child.kill('SIGHUP')
      })
    },
  })
  assert.equal(ended.code, 0, ended.stderr)
  assert.deepEqual(statuses, [403, 200])
  assert.match(readFileSync(join(cwd, 'audit.jsonl'), 'utf8'), /"policies.reloaded"|sys\/health/)
})
