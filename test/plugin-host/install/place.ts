import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { createInstaller, type Installer } from '../../../lib/plugin-host/install/installer.ts'
import { ROOT } from '../../support/imports.ts'

/** A folder with a lock and a store of its own. */
export interface Place {
  readonly folder: string
  readonly store: string
  readonly lockFile: string
  readonly installer: Installer
  readonly progress: string[]
  /** The lock's text; `''` where there is none. */
  lock(): string
  /** Files of the store, without its process lock. */
  files(): readonly string[]
}

export function place(t: TestContext, env: NodeJS.ProcessEnv = process.env): Place {
  const folder = mkdtempSync(join(tmpdir(), 'install-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  return placeIn(folder, env)
}

export function placeIn(folder: string, env: NodeJS.ProcessEnv = process.env): Place {
  const store = join(folder, 'store')
  const lockFile = join(folder, 'plugins.lock.json')
  const progress: string[] = []
  const installer = createInstaller({ lockFile, folder: store, env, onProgress: (line) => void progress.push(line) })
  return {
    ...{ folder, store, lockFile, installer, progress },
    lock: () => textOf(lockFile),
    files: () => filesIn(store).filter((name) => !name.startsWith('process.lock')),
  }
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

function filesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort()
  } catch {
    return []
  }
}

/** A plugin written with the SDK, that answers at `hello/:name` and has a path for logins. */
export function scriptPlugin(version = 'v1.2.3', name = 'greeter'): string {
  const sdk = join(ROOT, 'lib/plugin/index.ts')
  return `#!/usr/bin/env -S ${process.execPath} --disable-warning=ExperimentalWarning -C portcullis-source
import(${JSON.stringify(sdk)}).then(({ data, definePlugin, path, serve }) => serve(definePlugin({
  name: ${JSON.stringify(name)}, version: ${JSON.stringify(version)}, type: 'secret', help: 'Greets.',
  paths: [
    path('hello/:name', { summary: 'A greeting.', read: ({ params }) => data({ text: 'hello ' + params.name }) }),
    path('open', { summary: 'Open to all.', unauthenticated: true, read: () => data({}) }),
    path('admin/keys', { summary: 'For operators.', root: true, read: () => data({}) }),
  ],
})))
`
}

/**
 * A plugin of a type and version that says at `version` which it is. With `GREETER_BROKEN` in its environment, the path of a
 * file, it does not come up while its version stands there.
 */
export function versionedPlugin(type: 'secret' | 'auth', version: string): string {
  const sdk = join(ROOT, 'lib/plugin/index.ts')
  return `#!/usr/bin/env -S ${process.execPath} --disable-warning=ExperimentalWarning -C portcullis-source
const { existsSync, readFileSync } = require('node:fs')
const broken = process.env.GREETER_BROKEN ?? ''
if (existsSync(broken) && readFileSync(broken, 'utf8') === ${JSON.stringify(version)}) process.exit(1)
import(${JSON.stringify(sdk)}).then(({ data, definePlugin, path, serve }) => serve(definePlugin({
  name: 'greeter', version: ${JSON.stringify(version)}, type: ${JSON.stringify(type)},
  paths: [path('version', { read: () => data({ version: ${JSON.stringify(version)} }) })],
})))
`
}

export function writePlugin(folder: string, name = 'greeter', text: string = scriptPlugin()): string {
  mkdirSync(folder, { recursive: true })
  const path = join(folder, name)
  rmSync(path, { force: true })
  writeFileSync(path, text)
  chmodSync(path, 0o755)
  return path
}
