import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { type TestContext, test } from 'node:test'
import { ROOT } from '../../support/imports.ts'
import { CALL, entryOf, mountOf, request, rig, servicesOf } from './plugins-for-test.ts'

/** A plugin in one file without an ending, as `plugin pack` makes them. */
function packed(t: TestContext, text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'kind-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'clock')
  writeFileSync(file, `#!/usr/bin/env -S ${process.execPath} -C portcullis-source\n${text}`, { mode: 0o755 })
  return file
}

const SDK = JSON.stringify(join(ROOT, 'lib/plugin/index.ts'))
const CLOCK = `definePlugin({ name: 'clock', type: 'secret', paths: [path('now', { read: () => data({ now: 1 }) })] })`
const KINDS = {
  'an ES module': `import { data, definePlugin, path, serve } from ${SDK}\nawait serve(${CLOCK})\n`,
  'a CommonJS module': `const { data, definePlugin, path, serve } = require(${SDK})\nserve(${CLOCK})\n`,
}

for (const [kind, text] of Object.entries(KINDS)) {
  for (const type of ['commonjs', 'module']) {
    test(`${kind} runs from a folder of a project whose type is ${type}`, async (t) => {
      const { plugins, folder } = rig(t)
      writeFileSync(join(folder, 'package.json'), JSON.stringify({ type }))
      const backend = await plugins.backend(entryOf(packed(t, text)), mountOf('m/'), servicesOf())
      const { response } = await backend.handle(request('read', 'now'), CALL)
      assert.deepEqual(JSON.parse(response?.data ?? ''), { now: 1 })
    })
  }
}

test('the folder of a host may be told relative to where it runs', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'relative-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const { plugins } = rig(t, { folder: relative(process.cwd(), folder) })
  const backend = await plugins.backend(entryOf(packed(t, KINDS['an ES module'])), mountOf('m/'), servicesOf())
  assert.ok((await backend.handle(request('read', 'now'), CALL)).response)
})
