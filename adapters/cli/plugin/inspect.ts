import { existsSync } from 'node:fs'
import { UsageError } from '../exit.ts'
import { createScreen } from '../screen.ts'
import { inspectionLines } from './inspection.ts'
import { isolationLevel, openInstaller, type PlaceOptions, pluginType } from './place.ts'

export interface InspectOptions extends PlaceOptions {
  readonly type?: string
  readonly isolation?: string
  readonly arg?: readonly string[]
  readonly timeout: string
}

export async function inspect(file: string, options: InspectOptions, signal: AbortSignal): Promise<void> {
  const screen = createScreen(options)
  const seconds = Number(options.timeout)
  if (!(seconds >= 1 && seconds <= 3600)) throw new UsageError('--timeout must be 1 to 3600 seconds')
  const type = pluginType(options.type)
  const isolation = isolationLevel(options.isolation)
  const path = await pathOf(file, options)
  const { inspectFile } = await import('portcullis/plugin-host')
  const inspection = await inspectFile(path, {
    startTimeoutMs: seconds * 1000,
    signal,
    ...(options.arg === undefined ? {} : { args: options.arg }),
    ...(type === undefined ? {} : { type }),
    ...(isolation === undefined ? {} : { isolation }),
  })
  const lines = [`file      ${path}`, `sha256    ${inspection.sha256}`, ...inspectionLines(inspection, screen)]
  screen.result({ file: path, ...inspection }, lines)
}

/** A file, or what the lock has by that name; the newest of several versions. */
async function pathOf(file: string, options: PlaceOptions): Promise<string> {
  if (file.includes('/') || existsSync(file)) return file
  const plugins = await (await openInstaller(options, createScreen(options))).list()
  const found = plugins.filter(({ name, version }) => file === name || file === `${name}@${version}`).at(-1)
  if (found !== undefined) return found.path
  throw new UsageError(`${JSON.stringify(file)} is neither a file nor a plugin that is installed`)
}
