import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { callback, createGateway, token } from 'portcullis'
import { ROOT } from '../../support/imports.ts'
import { type Ended, portcullis, runProgram, temporaryFolder } from './command.ts'

const REQUEST = { properties: { a: { type: 'string', pattern: '^a+$' } }, additionalProperties: false }
const POLICY = { policy: 'p', rules: [{ path: 'kv/a', operations: ['write'], effect: 'allow', request: REQUEST }] }

async function compiled(
  t: TestContext,
  out = 'policies.mjs',
): Promise<Ended & { readonly folder: string; readonly file: string }> {
  const folder = temporaryFolder(t)
  writeFileSync(join(folder, 'p.json'), JSON.stringify(POLICY))
  const ended = await portcullis(['policy', 'compile', 'p.json', '-o', out], { cwd: folder })
  return { ...ended, folder, file: join(folder, out) }
}

test('a gateway with compiled policies decides without ajv, where making code is forbidden', async (t) => {
  const { code, stdout, folder, file } = await compiled(t)
  assert.equal(code, 0)
  assert.match(stdout, /^1 policies in policies\.mjs, \d+ bytes\n$/)
  const program = join(ROOT, 'test/policy/compiled/gateway-with-compiled.ts')
  const args = ['-C', 'portcullis-source', '--disallow-code-generation-from-strings', program, file]
  const ran = await runProgram(process.execPath, args, { cwd: folder })
  assert.equal(ran.stderr, '')
  assert.deepEqual(JSON.parse(ran.stdout), {
    loaded: [],
    allowed: ['allow', null, null],
    refused: ['deny', '/data/a', 'pattern'],
  })
})

test('a module that was edited by hand is refused', async (t) => {
  const { file } = await compiled(t)
  writeFileSync(file, readFileSync(file, 'utf8').replace('"effect":"allow"', '"effect":"allow","reason":"x"'))
  const { default: policies } = await import(pathToFileURL(file).href)
  const audit = { devices: [callback('none', () => {})] }
  const server = { address: 'http://127.0.0.1:1' }
  await assert.rejects(createGateway({ server, auth: token({ token: 'none' }), policies, audit }), {
    code: 'ERR_PORTCULLIS_POLICY_INVALID',
    message: 'compiled policies: they were changed by hand; run "portcullis policy compile" again',
  })
})

test('only what it made itself is written over', async (t) => {
  const { folder, file } = await compiled(t)
  const again = await portcullis(['policy', 'compile', '.', '-o', 'policies.mjs', '--json'], { cwd: folder })
  assert.equal(again.code, 0)
  assert.deepEqual(JSON.parse(again.stdout), { policies: 1, file: 'policies.mjs', bytes: readFileSync(file).length })
  const over = await portcullis(['policy', 'compile', '.', '-o', 'p.json'], { cwd: folder })
  const stderr = 'error: p.json was not written: it is there, and was not made by this command\n  (ERR_INPUT)\n'
  assert.deepEqual(over, { code: 2, stdout: '', stderr })
})
