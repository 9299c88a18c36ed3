import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type TestContext } from 'node:test'
import { createPolicyEngine } from '../lib/policy/engine.ts'
import { parsePolicyText } from '../lib/policy/parse.ts'
import { startBao } from './support/bao.ts'
import { realServersAbsent } from './support/real-servers.ts'

const skip = await realServersAbsent()
const root = join(import.meta.dirname, '..')
const readme = readFileSync(join(root, 'README.md'), 'utf8')

/** Code of the first block in that language, or of a later one. */
function firstBlock(language: string, skipped = 0): string {
  const code = [...readme.matchAll(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\``, 'gms'))][skipped]?.[1]
  assert.ok(code !== undefined, `the README has a block of ${language}`)
  return code
}

/** Names in the first column of the table below a marker. */
function tableNames(marker: string): readonly string[] {
  const table = readme.split(`<!-- options: ${marker} -->\n`)[1]?.split('\n\n')[0] ?? ''
  return table
    .split('\n')
    .slice(2)
    .map((row) => /^\| `(\w+)`/.exec(row)?.[1] ?? `unreadable row: ${row}`)
}

/** Names of the properties of an interface, from its source. */
function interfaceNames(file: string, name: string): readonly string[] {
  const body =
    new RegExp(`^export interface ${name}(?: extends \\w+)? \\{\\n(.*?)^\\}`, 'ms').exec(
      readFileSync(join(root, file), 'utf8'),
    )?.[1] ?? ''
  return [...body.matchAll(/^ {2}readonly (\w+)\??:/gm)].map(([, property]) => property ?? '')
}

const TABLES = [
  ['createGateway', 'lib/options/gateway.ts', 'GatewayOptions'],
  ['server', 'lib/options/server.ts', 'ServerOptions'],
  ['audit', 'lib/options/gateway.ts', 'AuditOptions'],
  ['syslog', 'lib/system/audit-syslog.ts', 'SyslogOptions'],
  ['cache', 'lib/options/gateway.ts', 'CacheOptions'],
  ['leases', 'lib/options/gateway.ts', 'LeaseOptions'],
  ['call', 'lib/model/gateway.ts', 'CallOptions'],
  ['watch', 'lib/model/watch.ts', 'WatchOptions'],
  ['device', 'lib/options/device.ts', 'DeviceOptions'],
  ['spool', 'lib/telemetry/spool-options.ts', 'SpoolOptions'],
  ['createPluginHost', 'lib/plugin-host/options.ts', 'PluginHostOptions'],
  ['processes', 'lib/plugin-host/process/config.ts', 'PluginsOptions'],
  ['createStorage', 'lib/plugin-host/storage/storage.ts', 'StorageOptions'],
] as const

/** The host sets them itself. */
const NOT_OFFERED: readonly string[] = ['processes.clock', 'processes.random', 'processes.onProcess']

for (const [marker, file, name] of TABLES) {
  test(`the README's table of ${marker} options is that of ${name}`, () => {
    const names = interfaceNames(file, name).filter((option) => !NOT_OFFERED.includes(`${marker}.${option}`))
    assert.ok(names.length > 0, `${file} has an interface ${name}`)
    assert.deepEqual([...tableNames(marker)].sort(), [...names].sort())
  })
}

const AUTH_METHODS = [
  ['token', 'token', 'TokenOptions'],
  ['appRole', 'app-role', 'AppRoleOptions'],
  ['userpass', 'password-login', 'PasswordOptions'],
  ['ldap', 'password-login', 'PasswordOptions'],
  ['jwt', 'jwt', 'JwtOptions'],
  ['kubernetes', 'kubernetes', 'KubernetesOptions'],
  ['aws', 'aws', 'AwsOptions'],
  ['cert', 'cert', 'CertOptions'],
] as const

for (const [method, file, name] of AUTH_METHODS) {
  test(`the README's row of the auth method ${method} has the options of ${name}`, () => {
    const table = readme.split('<!-- auth methods -->\n')[1]?.split('\n\n')[0] ?? ''
    const row = table.split('\n').find((line) => line.startsWith(`| \`${method}\` |`))
    const named = [...(row?.split(' | ')[1] ?? '').matchAll(/`(\w+)`/g)].map(([, option]) => option ?? '')
    assert.deepEqual(named.sort(), [...interfaceNames(`lib/session/auth/${file}.ts`, name)].sort())
  })
}

test("the README's table of errors names every class and covers every code", async () => {
  const { ERROR_CODES } = await import('portcullis')
  const table = readme.split('\n## Errors\n')[1]?.split('\n## ')[0] ?? ''
  const rows = table.split('\n').filter((row) => row.startsWith('| `'))
  const covers = (row: string, code: string): boolean =>
    [...row.matchAll(/`([A-Z_*]+)`/g)].some(([, shown = '']) => {
      const whole = shown.startsWith('_') ? `ERR_PORTCULLIS${shown}` : shown
      return whole.endsWith('*') ? code.startsWith(whole.slice(0, -1)) : code === whole
    })
  for (const [code, { kind }] of Object.entries(ERROR_CODES)) {
    assert.ok(
      rows.some((row) => row.startsWith(`| \`${kind}\``) && covers(row, code)),
      `${kind} ${code}`,
    )
  }
})

test('the policy in the README loads', async () => {
  const engine = await createPolicyEngine([parsePolicyText('README.md', firstBlock('json'))], { namespace: '' })
  assert.deepEqual(engine.policies, ['orders'])
})

test('the example in the README runs against a real server and prints what it says', { skip }, async (t) => {
  const bao = await startBao(t)
  await bao.root('POST', 'secret/data/orders/theme', { data: { color: 'green' } })
  const folder = folderWith(t, ['read'])
  writeFileSync(join(folder, 'vault-token'), `${bao.rootToken}\n`, { mode: 0o600 })
  writeFileSync(join(folder, 'example.ts'), firstBlock('ts'))

  const { code, output } = await run(folder, bao.address)

  assert.equal(code, 0, output)
  assert.match(output, /^the theme is green\nread sys\/mounts denied: /)
  assert.equal(readFileSync(join(folder, 'audit.jsonl'), 'utf8').includes('green'), false)
})

test('the example of the plugin host in the README runs, and finds its secret again', async (t) => {
  const folder = folderWith(t, ['read', 'write'])
  writeFileSync(join(folder, 'example.ts'), firstBlock('ts', 1))
  for (const time of ['first', 'second']) {
    const { code, output } = await run(folder, '')
    assert.equal(code, 0, `${time}: ${output}`)
    assert.equal(output, "{ color: 'green' }\n")
  }
  assert.equal(statSync(join(folder, 'root.key')).mode & 0o777, 0o600)
  assert.equal(readFileSync(join(folder, 'audit.jsonl'), 'utf8').includes('green'), false)
})

test('a newcomer who has the policy of the README and its example of the plugin host has a program that runs', async (t) => {
  const folder = folderWith(t, [])
  writeFileSync(join(folder, 'policies', 'orders.json'), firstBlock('json'))
  writeFileSync(join(folder, 'example.ts'), firstBlock('ts', 1))
  const { code, output } = await run(folder, '')
  assert.equal(code, 0, output)
  assert.equal(output, "{ color: 'green' }\n")
})

/** Inside the package, so that what runs there can import it by name. */
function folderWith(t: TestContext, operations: readonly string[]): string {
  mkdirSync(join(root, '.cache'), { recursive: true })
  const folder = mkdtempSync(join(root, '.cache', 'readme-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  mkdirSync(join(folder, 'policies'))
  const rules = [{ path: 'secret/data/orders/*', operations, effect: 'allow' }]
  writeFileSync(join(folder, 'policies', 'orders.json'), JSON.stringify({ policy: 'orders', rules }))
  return folder
}

function run(folder: string, address: string): Promise<{ readonly code: number | null; readonly output: string }> {
  const env = { ...process.env, VAULT_ADDR: address }
  const child = spawn(process.execPath, ['-C', 'portcullis-source', 'example.ts'], { cwd: folder, env })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text
    })
  }
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, output })))
}
