import { authTemplate } from './auth.ts'
import { databaseTemplate } from './database.ts'
import { secretTemplate } from './secret.ts'

/** What kind of plugin is begun. */
export interface TemplateOptions {
  /** Letters, digits, `_`, and `-` or `.` within: the name it is registered under. */
  readonly name: string
  readonly type: 'secret' | 'auth' | 'database'
  /** Range of `portcullis` that its package.json asks for. */
  readonly portcullis: string
}

/** A file of a new plugin. */
export interface TemplateFile {
  /** Relative, with `/`. */
  readonly path: string
  readonly text: string
}

/** The three files that differ by type. */
export interface PluginSources {
  /** `plugin.ts`: what it does. */
  readonly plugin: string
  /** `plugin.test.ts`. */
  readonly test: string
  /** Calls to try it with, for the README; `NAME` stands for its name. */
  readonly usage: string
}

const SOURCES = { secret: secretTemplate, auth: authTemplate, database: databaseTemplate }
const NAME = /^\w(?:[\w.-]*\w)?$/

/**
 * The files of a new plugin, which runs and whose tests pass as they are.
 *
 * `plugin.ts` defines it, `main.ts` serves it and is what is packed into one file, `plugin.test.ts` tries it in memory.
 *
 * @throws {TypeError} `name` is no name of a plugin.
 */
export function pluginTemplate({ name, type, portcullis }: TemplateOptions): readonly TemplateFile[] {
  if (!NAME.test(name)) throw new TypeError('the name of a plugin is letters, digits, "_", and "-" or "." within')
  const { plugin, test, usage } = SOURCES[type]
  const named = (text: string): string => text.replaceAll('NAME', name)
  return [
    { path: 'package.json', text: packageJson(name, portcullis) },
    { path: 'plugin.ts', text: named(plugin) },
    { path: 'main.ts', text: MAIN },
    { path: 'plugin.test.ts', text: named(test) },
    { path: 'README.md', text: named(readme(type, usage)) },
  ]
}

const MAIN = `import { serve } from 'portcullis/plugin'
import { plugin } from './plugin.ts'

await serve(plugin)
`

function packageJson(name: string, portcullis: string): string {
  const content = {
    name: name.toLowerCase(),
    version: '0.1.0',
    private: true,
    type: 'module',
    engines: { node: '>=22.19.0' },
    scripts: { test: 'node --test', build: 'portcullis plugin pack main.ts' },
    dependencies: { '@bufbuild/protobuf': '^2.17.0', portcullis },
    devDependencies: { esbuild: '>=0.24' },
  }
  return `${JSON.stringify(content, undefined, 2)}\n`
}

function readme(type: TemplateOptions['type'], usage: string): string {
  return `# NAME

A ${type === 'secret' ? 'secrets engine' : type === 'auth' ? 'auth method' : 'database driver'} for Vault, OpenBao and the plugin host of portcullis.

\`\`\`sh
npm install
npm test
npm run build         # one file, to be registered
\`\`\`

On a server, with the file in its plugin directory:

\`\`\`sh
bao plugin register -sha256=$(sha256sum NAME | cut -d' ' -f1) ${type} NAME
${usage.trim()}
\`\`\`
`
}
