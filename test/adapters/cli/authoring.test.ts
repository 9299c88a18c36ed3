import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { cpSync, mkdirSync, readFileSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startBaoWithPlugins } from '../../support/bao-plugins.ts'
import { ROOT } from '../../support/imports.ts'
import { MAIN_ARGS, portcullis, runProgram, temporaryFolder } from './command.ts'

const CONDITION = ['-C', 'portcullis-source']
const PACK = ['plugin', 'pack', '--condition', 'portcullis-source']

/** A scaffolded plugin whose packages are those of the checkout. */
async function scaffold(t: TestContext, name: string, below = '.'): Promise<string> {
  const cwd = join(temporaryFolder(t), below)
  mkdirSync(cwd, { recursive: true })
  const made = await portcullis(['plugin', 'new', name], { cwd })
  assert.equal(made.code, 0, made.stderr)
  assert.equal(made.stdout, `made ${name}\nnext: cd ${name} && npm install && npm test\n`)
  const project = join(cwd, name)
  const modules = join(project, 'node_modules')
  mkdirSync(join(modules, '@bufbuild'), { recursive: true })
  mkdirSync(join(modules, '@types'))
  symlinkSync(ROOT, join(modules, 'portcullis'))
  for (const dependency of ['esbuild', 'typescript', '@types/node', '@bufbuild/protobuf'])
    symlinkSync(join(ROOT, 'node_modules', dependency), join(modules, dependency))
  return project
}

test('a new plugin: its tests are green, its types hold, and it is not made twice', async (t) => {
  const project = await scaffold(t, 'tickets')
  const tests = await runProgram(process.execPath, [...CONDITION, '--test', 'plugin.test.ts'], { cwd: project })
  assert.equal(tests.code, 0, tests.stdout + tests.stderr)
  assert.match(tests.stdout, /pass 2\n/)
  const tsc = join(ROOT, 'node_modules/typescript/bin/tsc')
  const types = await runProgram(process.execPath, [tsc, '--customConditions', 'portcullis-source'], { cwd: project })
  assert.equal(types.code, 0, types.stdout)
  const twice = await portcullis(['plugin', 'new', 'tickets'], { cwd: join(project, '..') })
  assert.equal(twice.code, 2)
  assert.equal(twice.stderr, 'error: tickets is there already, and not empty\n  (ERR_USAGE)\n')
})

test('npm builds a new plugin by the scripts of its package, and puts the one file into its tarball', async (t) => {
  const project = await scaffold(t, 'tickets')
  const bin = join(project, 'node_modules/.bin')
  mkdirSync(bin)
  // As npm links the command, but for the sources of this checkout.
  const words = [process.execPath, ...MAIN_ARGS].map((word) => `'${word}'`).join(' ')
  writeFileSync(join(bin, 'portcullis'), `#!/bin/sh\nexec ${words} "$@" --condition portcullis-source\n`, {
    mode: 0o755,
  })
  const built = await runProgram('npm', ['run', 'build'], { cwd: project })
  assert.equal(built.code, 0, built.stderr)
  assert.match(built.stdout, /^sha256 [0-9a-f]{64}$/m)
  rmSync(join(project, 'dist'), { recursive: true })
  const packed = await runProgram('npm', ['pack', '--dry-run'], { cwd: project })
  assert.equal(packed.code, 0, packed.stderr)
  assert.match(packed.stderr, /dist\/tickets$/m)
})

test('a packed plugin is one file that a real bao runs, registered with the hash that pack printed', async (t) => {
  const { bao, folder } = await startBaoWithPlugins(t)
  const project = await scaffold(t, 'tickets')
  const packed = await portcullis([...PACK, '--json'], { cwd: project })
  assert.equal(packed.code, 0, packed.stderr + packed.stdout)
  const facts = JSON.parse(packed.stdout)
  const text = readFileSync(facts.file)
  assert.equal(facts.sha256, createHash('sha256').update(text).digest('hex'))
  assert.equal(text.subarray(0, 20).toString(), '#!/usr/bin/env node\n')
  assert.equal(statSync(facts.file).mode & 0o777, 0o755)
  assert.deepEqual([facts.type, facts.version], ['secret', 'v0.1.0'])
  assert.equal(text.includes(ROOT), false)

  cpSync(facts.file, join(folder, 'tickets'))
  const env = { VAULT_ADDR: bao.address, VAULT_TOKEN: bao.rootToken }
  const by = ['--type', 'secret', '--sha256', facts.sha256, '--command', 'tickets', '--version', 'v0.1.0']
  const registered = await portcullis(['plugin', 'register', 'tickets', ...by], { cwd: project, env })
  assert.equal(registered.code, 0, registered.stderr)
  await bao.root('POST', 'sys/mounts/tickets', { type: 'tickets' })
  await bao.root('POST', 'tickets/notes/first', { text: 'hello' })
  const { body } = await bao.root('GET', 'tickets/notes/first')
  assert.deepEqual(body.data, { text: 'hello' })
})

test('the same sources are packed to the same bytes, wherever they lie', async (t) => {
  const [here, there] = [await scaffold(t, 'same'), await scaffold(t, 'same', 'three/folders/down')]
  const hashes: string[] = []
  for (const cwd of [here, there]) {
    const packed = await portcullis([...PACK, '--no-check', '--out', 'out/plugin'], { cwd })
    assert.equal(packed.code, 0, packed.stderr)
    hashes.push(/^sha256 ([0-9a-f]{64})$/m.exec(packed.stdout)?.[1] ?? '')
    assert.match(packed.stdout, /^ {2}portcullis plugin register plugin --type secret --sha256 /m)
  }
  assert.equal(hashes[0], hashes[1])
})

test('pack says what is missing or wrong, and leaves no file', async (t) => {
  const project = await scaffold(t, 'broken')
  writeFileSync(join(project, 'main.ts'), 'const a = \n')
  const wrong = await portcullis(PACK, { cwd: project })
  assert.equal(wrong.code, 1)
  assert.match(wrong.stderr, /^error: main\.ts:\d+: .*\n {2}\(ERR_PACK_FAILED\)\n$/)
  writeFileSync(join(project, 'main.ts'), 'console.log("no plugin")\n')
  const none = await portcullis(PACK, { cwd: project })
  assert.equal(none.code, 1)
  assert.match(none.stderr, /^error: plugin broken: /)
  rmSync(join(project, 'node_modules/esbuild'))
  const absent = await portcullis(PACK, { cwd: project })
  assert.equal(absent.code, 1)
  assert.match(absent.stderr, /^error: the package esbuild is needed .*npm install --save-dev esbuild\n/)
})
