import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { pluginTemplate } from 'portcullis/plugin'
import { ROOT } from '../../support/imports.ts'

const run = promisify(execFile)

/** Writes the files of a new plugin, with our package as its dependency. */
function written(t: TestContext, type: 'secret' | 'auth' | 'database'): string {
  const folder = mkdtempSync(join(tmpdir(), 'template-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  for (const { path, text } of pluginTemplate({ name: `my-${type}`, type, portcullis: '^0.1.0' }))
    writeFileSync(join(folder, path), text)
  mkdirSync(join(folder, 'node_modules/@types'), { recursive: true })
  symlinkSync(ROOT, join(folder, 'node_modules/portcullis'))
  symlinkSync(join(ROOT, 'node_modules/@types/node'), join(folder, 'node_modules/@types/node'))
  return folder
}

for (const type of ['secret', 'auth', 'database'] as const) {
  test(`a new plugin of type ${type} passes its own tests`, async (t) => {
    const folder = written(t, type)
    // Without this a test runner within a test runner reports to the outer one, and says nothing.
    const { NODE_TEST_CONTEXT: _, ...env } = process.env
    const args = ['--conditions=portcullis-source', '--test', '--test-reporter=tap']
    const { stdout } = await run(process.execPath, args, { cwd: folder, env })
    assert.match(stdout, /^# pass [23]$/m)
    assert.match(stdout, /^# fail 0$/m)
  })

  test(`a new plugin of type ${type} is well typed`, async (t) => {
    const folder = written(t, type)
    const options = {
      target: 'es2023',
      lib: ['es2024'],
      module: 'nodenext',
      types: ['node'],
      strict: true,
      noEmit: true,
      exactOptionalPropertyTypes: true,
      noUncheckedIndexedAccess: true,
      allowImportingTsExtensions: true,
      customConditions: ['portcullis-source'],
      skipLibCheck: true,
    }
    writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ compilerOptions: options, include: ['*.ts'] }))
    await run(join(ROOT, 'node_modules/.bin/tsc'), ['-p', folder]).catch((error: { stdout: string }) =>
      assert.fail(error.stdout),
    )
  })
}

test('a name that a server would not take is refused', () => {
  for (const name of ['', '-a', 'a/b', 'a b', '../x'])
    assert.throws(() => pluginTemplate({ name, type: 'secret', portcullis: '*' }), TypeError)
})
