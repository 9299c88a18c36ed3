import { rmSync, writeSync } from 'node:fs'
import { format } from 'node:util'
import { loadWire } from '../../plugin-host/wire/load.ts'
import type { Plugin } from '../definition.ts'
import type { PluginLog } from '../host.ts'
import { failureOf } from '../reply.ts'
import { readLaunchEnvironment } from './environment.ts'
import { createLog } from './log.ts'
import type { PluginProcess } from './plugin-process.ts'

/** Options of {@link serve}. */
export interface ServeOptions {
  /** One process for all mounts, where the host wants that. Default: true. `false` gives each mount a process of its own. */
  readonly multiplexing?: boolean
}

/** A host kills what has not ended after 2 s. */
const END_LIMIT_MS = 1_500
const STDOUT = 1
const STDERR = 2

/**
 * Serves `plugins` to the host that started this process, and ends the process when the host says so or is gone.
 *
 * The last line of a plugin's file. From here on stdout belongs to the handshake, and `console` writes to the host's log.
 * Started by hand it explains itself and ends with status 1. Several plugins in one process are told apart by the name they are
 * registered under; of database drivers one process serves one.
 *
 * @throws {TypeError} no plugin, two of one name, or two database drivers.
 *
 * @example
 * await serve(plugin)
 */
export async function serve(plugins: Plugin | readonly Plugin[], options: ServeOptions = {}): Promise<void> {
  const all = checked(plugins)
  const name = all.length === 1 ? (all[0]?.name ?? '') : 'plugins'
  const log = createLog(name, takeOutput())
  takeConsole(log)
  const launch = readLaunchEnvironment(process.env)
  const isWanted = all.some(({ type }) => (type === 'database' ? launch.isDatabase : launch.isBackend))
  if (!isWanted) return endByHand(name)
  process.on('SIGINT', () => {})
  for (const event of ['uncaughtException', 'unhandledRejection'] as const)
    process.on(event, (error) => {
      log.error('the plugin failed outside of a request', failureOf(error))
      process.exit(2)
    })
  try {
    const { startPluginProcess } = await loadWire(() => import('./plugin-process.ts'))
    const running = await startPluginProcess({
      plugins: all,
      launch,
      isMultiplexing: options.multiplexing ?? true,
      log,
    })
    // Before the line: a host may end the process as soon as it has read it.
    const told = new Promise<void>((resolve) => process.once('SIGTERM', () => resolve()))
    writeSync(STDOUT, `${running.line}\n`)
    await Promise.race([running.ended, told])
    await end(running)
  } catch (error) {
    // Nothing has come from outside yet but the environment, so the words are our own or the system's.
    log.error('the plugin cannot start', { reason: error instanceof Error ? error.message : typeof error })
    process.exit(1)
  }
}

function checked(plugins: Plugin | readonly Plugin[]): readonly Plugin[] {
  const all: readonly Plugin[] = Array.isArray(plugins) ? plugins : [plugins as Plugin]
  if (all.length === 0) throw new TypeError('there is no plugin to serve')
  if (new Set(all.map(({ name }) => name)).size !== all.length) throw new TypeError('two plugins have the same name')
  if (all.filter(({ type }) => type === 'database').length > 1)
    throw new TypeError('one process serves one database driver')
  return all
}

/** Keeps stdout for the handshake. @returns what writes a line to the host's log. */
function takeOutput(): (line: string) => void {
  const toLog = process.stderr.write.bind(process.stderr)
  // Anything else on stdout would be taken for a broken handshake, and later fill a pipe that nobody reads.
  process.stdout.write = ((_chunk: unknown, encoding: unknown, done: unknown) => {
    const callback = typeof encoding === 'function' ? encoding : done
    if (typeof callback === 'function') queueMicrotask(() => callback())
    return true
  }) as typeof process.stdout.write
  process.stderr.on('error', () => {})
  return (line) => void toLog(line)
}

function takeConsole(log: PluginLog): void {
  const levels = { log: 'info', info: 'info', warn: 'warn', error: 'error', debug: 'debug', trace: 'trace' } as const
  for (const [method, level] of Object.entries(levels))
    Object.defineProperty(globalThis.console, method, {
      value: (...parts: unknown[]) => log[level](format(...parts)),
      configurable: true,
      writable: true,
    })
}

function endByHand(name: string): void {
  const text = [
    `${name} is a plugin: a Vault, OpenBao or portcullis server starts it. It is not meant to be run by hand.`,
    'Put the file into the plugin directory of the server, register it with its SHA-256, and enable it.',
  ]
  writeSync(STDERR, `${text.join('\n')}\n`)
  process.exit(1)
}

async function end(running: PluginProcess): Promise<void> {
  const late = new Promise<void>((resolve) => setTimeout(resolve, END_LIMIT_MS).unref())
  await Promise.race([running.close().catch(() => undefined), late])
  if ('path' in running.address) rmSync(running.address.path, { force: true })
  process.exit(0)
}
