import { mkdir, readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { parseObjectText } from '../../../model/parse-json.ts'
import { installError } from '../failure.ts'
import { hashFile } from '../hash-file.ts'
import { runTool, type ToolOptions } from '../run-tool.ts'
import type { PluginSource } from '../source.ts'
import type { FetchContext, Fetched } from './fetched.ts'

type GoSource = Extract<PluginSource, { kind: 'go' }>

const ABSENT = 'go is not there: go: sources are built here, install a Go toolchain (https://go.dev/dl)'
/** How often a build that says nothing is told of, in milliseconds. */
const REPORT_MS = 10_000

/**
 * Lets the Go toolchain fetch, check and build a command.
 *
 * Go checks every module by its own sums (`GOSUMDB`); that of the module itself is told as `integrity`. Built the
 * same way each time, so that one toolchain gives the same bytes on another machine of its kind.
 */
export async function fetchGo(source: GoSource, context: FetchContext): Promise<Fetched> {
  const { stage, signal } = context
  const folder = join(stage, 'go')
  await mkdir(folder)
  const options = { cwd: folder, env: goEnvironment(context, folder), signal, absent: ABSENT }
  await checkSums(source, options)
  await build(source, context, options)
  const [file, ...others] = await readdir(folder)
  if (file === undefined || others.length > 0) throw installError(`go install ${source.package} gave no single program`)
  const path = join(folder, file)
  const said = await runTool('go', ['version', '-m', path], options)
  const [, version, integrity] = /^\tmod\t\S+\t(\S+)\t(h1:[A-Za-z0-9+/]+=)$/m.exec(said) ?? []
  if (integrity === undefined || version !== source.version)
    throw installError(`${source.package} was not built from version ${source.version} of its module`)
  const toolchain = (await runTool('go', ['version'], options)).trim().replace(/^go version /, '')
  const sha256 = await hashFile(path, { signal })
  return { path, sha256, name: source.name, version: source.version, integrity, toolchain }
}

function goEnvironment(context: FetchContext, folder: string): NodeJS.ProcessEnv {
  const { GOOS, GOARCH, GOAMD64, GOARM64, GOEXPERIMENT, ...env } = context.env
  const locked = /^(go\d[\w.]*) /.exec(context.toolchain ?? '')?.[1]
  return {
    ...env,
    GOBIN: folder,
    GOFLAGS: '-trimpath',
    CGO_ENABLED: '0',
    GOWORK: 'off',
    ...(locked === undefined ? {} : { GOTOOLCHAIN: locked }),
  }
}

async function checkSums(source: GoSource, options: ToolOptions): Promise<void> {
  const said = await runTool('go', ['env', 'GOSUMDB', 'GOINSECURE'], options)
  const [database = '', insecure = ''] = said.split('\n')
  if (database === 'off' || insecure !== '')
    throw installError(`${source.package}: Go does not check modules here (GOSUMDB is off, or GOINSECURE is set)`)
}

async function build(source: GoSource, { progress }: FetchContext, options: ToolOptions): Promise<void> {
  const started = performance.now()
  progress(`go builds ${source.package}@${source.version}`)
  const seconds = (): number => Math.round((performance.now() - started) / 1000)
  const timer = setInterval(() => progress(`go is building, ${seconds()} s`), REPORT_MS)
  try {
    await runTool('go', ['install', '-ldflags=-s -w', `${source.package}@${source.version}`], options)
  } finally {
    clearInterval(timer)
  }
}

/** The latest version that Go knows. */
export async function latestGo(
  source: GoSource,
  context: Pick<FetchContext, 'base' | 'env' | 'signal'>,
): Promise<string> {
  const said = await runTool('go', ['list', '-m', '-json', `${source.module}@latest`], {
    cwd: context.base,
    env: { ...context.env, GOFLAGS: '', GOWORK: 'off' },
    signal: context.signal,
    absent: ABSENT,
  })
  const version = parseObjectText(said)?.Version
  if (typeof version !== 'string') throw installError(`go does not say which version of ${source.module} is the latest`)
  return version
}
