import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { versionedPlugin, writePlugin } from '../../install/place.ts'
import { runScript } from './script.ts'
import { twoSides } from './sides.ts'
import { versionsScript } from './versions.ts'

test('versions of a plugin are registered, mounted, tuned, reloaded and removed in a host as in a server', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'versions-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  const [old, next] = ['v1.9.0', 'v1.10.0'].map((version) =>
    writePlugin(folder, `greeter-${version}`, versionedPlugin('secret', version)),
  )
  const sides = await twoSides(t, { old: ['secret', old ?? ''], new: ['secret', next ?? ''] })
  await runScript(t, sides, versionsScript())
})
