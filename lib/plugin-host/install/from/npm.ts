import { mkdir, rename, writeFile } from 'node:fs/promises'
import { isAbsolute, join, normalize, sep } from 'node:path'
import { isJsonObject, type JsonObject } from '../../../model/json.ts'
import { parseObjectText } from '../../../model/parse-json.ts'
import { systemFiles } from '../../../system/files.ts'
import type { PluginType } from '../../process/plugins.ts'
import { installError } from '../failure.ts'
import { hashFile } from '../hash-file.ts'
import { runTool } from '../run-tool.ts'
import type { PluginSource } from '../source.ts'
import type { FetchContext, Fetched } from './fetched.ts'

type NpmSource = Extract<PluginSource, { kind: 'npm' }>

const ABSENT = 'npm is not there: it comes with Node.js, and installs npm: sources'
const TYPES: readonly unknown[] = ['secret', 'auth', 'database']

/**
 * Lets the npm client install a package, scripts off, and takes the one file out of it that its `portcullis` field names.
 *
 * npm has checked the tarball by the registry's sha512, which is told as `integrity`.
 */
export async function fetchNpm(source: NpmSource, context: FetchContext): Promise<Fetched> {
  const { stage, signal, progress } = context
  const project = join(stage, 'npm')
  await mkdir(project)
  // Without one, npm would look for a project in the folders above.
  await writeFile(join(project, 'package.json'), '{ "private": true }\n')
  progress(`npm installs ${source.name}@${source.version}`)
  const options = ['--ignore-scripts', '--omit=dev', '--omit=optional', '--omit=peer', '--no-audit', '--no-fund']
  // npm would wait for minutes between its attempts, also where the bytes are wrong.
  const patience = ['--fetch-retries=2', '--fetch-retry-mintimeout=500', '--fetch-retry-maxtimeout=3000']
  const install = ['install', '--save-exact', '--loglevel=error', '--no-update-notifier', '--package-lock=true']
  await runTool('npm', [...install, ...patience, ...options, `${source.name}@${source.version}`], {
    cwd: project,
    env: npmEnvironment(context.env),
    signal,
    absent: ABSENT,
  })
  const home = join('node_modules', ...source.name.split('/'))
  const integrity = await integrityOf(project, source)
  const manifest = await objectIn(join(project, home, 'package.json'), `${source.name} has no readable package.json`)
  if (manifest.version !== source.version) throw installError(`npm brought another version of ${source.name}`)
  const { name, type, main } = pluginField(source, manifest)
  const path = join(stage, 'plugin')
  const sha256 = await hashFile(join(project, home, main), { signal }).catch((cause: unknown) => {
    throw installError(`${source.name}: the file ${main} of its portcullis field cannot be read`, { cause })
  })
  await rename(join(project, home, main), path)
  return { path, sha256, name, type, version: `v${source.version}`, integrity }
}

/** Settings of a surrounding npm run would be taken for ours: only those that say where and how to reach the registry stay. */
function npmEnvironment(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const kept =
    /^npm_config_(?:registry|.*:registry|userconfig|globalconfig|cache|cafile|ca|proxy|https_proxy|noproxy|prefer_offline|offline|\/\/.*)$/i
  return Object.fromEntries(Object.entries(env).filter(([name]) => !/^npm_/i.test(name) || kept.test(name)))
}

async function integrityOf(project: string, { name, version }: NpmSource): Promise<string> {
  const lock = await objectIn(join(project, 'package-lock.json'), 'npm wrote no package-lock.json')
  const packages = isJsonObject(lock.packages) ? lock.packages : {}
  const entry = packages[`node_modules/${name}`]
  const integrity = isJsonObject(entry) ? entry.integrity : undefined
  if (typeof integrity === 'string' && /^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity)) return integrity
  throw installError(`the registry gives no sha512 of ${name}@${version}: nothing says that it is what was published`)
}

interface PluginField {
  readonly name: string
  readonly type: PluginType
  readonly main: string
}

/** `{ "portcullis": { "plugin": { "name", "type", "main" } } }`. */
function pluginField({ name: packageName }: NpmSource, manifest: JsonObject): PluginField {
  const field = isJsonObject(manifest.portcullis) ? manifest.portcullis.plugin : undefined
  const form = '{ "portcullis": { "plugin": { "name", "type", "main" } } }'
  if (!isJsonObject(field)) throw installError(`${packageName} is no plugin: its package.json has no ${form}`)
  const { name, type, main } = field
  if (typeof name !== 'string' || typeof main !== 'string' || !TYPES.includes(type))
    throw installError(`${packageName}: the portcullis field of its package.json has not the form ${form}`)
  if (isAbsolute(main) || normalize(main).split(sep).includes('..') || main.includes('\0'))
    throw installError(`${packageName}: main of its portcullis field leads out of the package`)
  return { name, type: type as PluginType, main }
}

async function objectIn(path: string, otherwise: string): Promise<JsonObject> {
  const text = await systemFiles.readText(path).catch(() => '')
  const object = parseObjectText(text)
  if (object === undefined) throw installError(otherwise)
  return object
}

/** The latest version that the registry has; `undefined` where it does not say. */
export async function latestNpm(name: string, context: Pick<FetchContext, 'base' | 'env' | 'signal'>): Promise<string> {
  const said = await runTool('npm', ['view', name, 'version', '--json', '--loglevel=error'], {
    cwd: context.base,
    env: npmEnvironment(context.env),
    signal: context.signal,
    absent: ABSENT,
  })
  const version = /^"([^"]{1,200})"$/.exec(said.trim())?.[1]
  if (version === undefined) throw installError(`npm does not say which version of ${name} is the latest`)
  return `v${version}`
}
