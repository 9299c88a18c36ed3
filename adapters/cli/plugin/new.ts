import { existsSync, readdirSync } from 'node:fs'
import { mkdir, writeFile } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { UsageError } from '../exit.ts'
import { manifest } from '../manifest.ts'
import { createScreen } from '../screen.ts'
import { packageFile, readmeFile, settingsFile } from './template/project.ts'
import { mainFile, pluginFile, testFile } from './template/sources.ts'

export interface NewOptions {
  readonly json?: boolean
}

/** Makes the folder of a plugin: definition, entry, tests, package, settings and words. */
export async function createNew(name: string, options: NewOptions): Promise<void> {
  if (!/^[a-z][a-z0-9-]{0,63}$/.test(name))
    throw new UsageError(`the name must be lower-case letters, digits and dashes, not ${JSON.stringify(name)}`)
  const folder = resolve(name)
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new UsageError(`${name} is there already, and not empty`)
  const files: Readonly<Record<string, string>> = {
    'plugin.ts': pluginFile(name),
    'main.ts': mainFile(),
    'plugin.test.ts': testFile(name),
    'package.json': packageFile(name, manifest),
    'tsconfig.json': settingsFile(),
    'README.md': readmeFile(name),
    '.gitignore': 'node_modules/\ndist/\n',
  }
  await mkdir(folder, { recursive: true })
  for (const [file, text] of Object.entries(files)) await writeFile(join(folder, file), text, { flag: 'wx' })
  const next = `next: cd ${name} && npm install && npm test`
  createScreen(options).result({ folder, files: Object.keys(files) }, [`made ${name}`, next])
}
