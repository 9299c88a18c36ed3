import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { portcullis, temporaryFolder } from '../adapters/cli/command.ts'
import { startBao } from '../support/bao.ts'
import { ROOT } from '../support/imports.ts'
import { realServersAbsent } from '../support/real-servers.ts'
import { openGateway } from './real.ts'

const skip = await realServersAbsent()
const TSC = join(dirname(createRequire(import.meta.url).resolve('typescript/package.json')), 'bin/tsc')

const COMPILER = { noEmit: true, rootDir: '/', typeRoots: [join(ROOT, 'node_modules/@types')] }
const PROGRAM = `
import type { Gateway, TypedGateway } from 'portcullis'
import type { Endpoints } from './endpoints.ts'
export async function use(plain: Gateway): Promise<void> {
  const gateway: TypedGateway<Endpoints> = plain
  await gateway.write('transit/encrypt/cards', { plaintext: 'x' })
  const { data } = await gateway.write('pki/issue/web', { common_name: 'a.example' })
  data.certificate?.toUpperCase()
  // @ts-expect-error: a field that the server does not have
  await gateway.write('transit/encrypt/cards', { plaintex: 'x' })
}
`

test('a policy generated from a live server lets real requests through and a misspelt one not', { skip }, async (t) => {
  const bao = await startBao(t)
  for (const type of ['transit', 'pki', 'database']) await bao.root('POST', `sys/mounts/${type}`, { type })
  await bao.root('POST', 'sys/mounts/kv', { type: 'kv', options: { version: '2' } })
  const folder = temporaryFolder(t)
  const env = { BAO_ADDR: bao.address, BAO_TOKEN: bao.rootToken }
  const mounts = ['kv/', 'transit/', 'pki/', 'database/'].flatMap((mount) => ['--mount', mount])
  const args = ['policy', 'generate', ...mounts, '--name', 'app', '-o', 'app.json', '--types', 'endpoints.ts', '--json']
  const ended = await portcullis(args, { cwd: folder, env })
  assert.equal(ended.code, 0, ended.stderr)
  const { endpoints } = JSON.parse(ended.stdout)
  assert.ok(endpoints > 100, endpoints)
  const policy = JSON.parse(readFileSync(join(folder, 'app.json'), 'utf8'))
  const { gateway } = await openGateway(t, bao, { policies: [policy] })
  await gateway.write('transit/keys/cards', {})
  await gateway.write('transit/encrypt/cards', { plaintext: 'AAAA', batch_input: [{ plaintext: 'AAAA' }] })
  await gateway.write('kv/data/a/b', { data: { any: { thing: 1 } }, options: { cas: 0 } })
  await gateway.list('kv/metadata/a')
  await gateway.write('pki/roles/web', {
    allowed_domains: ['a.example'],
    ttl: '1h',
    max_ttl: 7200,
    allow_bare_domains: true,
  })
  await gateway.delete('kv/metadata/a/b')
  await assert.rejects(gateway.write('transit/encrypt/cards', { plaintex: 'AAAA' }), {
    code: 'ERR_PORTCULLIS_POLICY_DENIED',
    message: /\/data must have no properties but "associated_data", "batch_input"/,
  })
  writeFileSync(join(folder, 'use.ts'), PROGRAM)
  mkdirSync(join(folder, 'node_modules'))
  writeFileSync(join(folder, 'package.json'), '{ "type": "module" }')
  symlinkSync(ROOT, join(folder, 'node_modules/portcullis'))
  writeFileSync(
    join(folder, 'tsconfig.json'),
    JSON.stringify({ extends: join(ROOT, 'tsconfig.json'), compilerOptions: COMPILER, include: [], files: ['use.ts'] }),
  )
  await promisify(execFile)(process.execPath, [TSC, '-p', folder])
})
