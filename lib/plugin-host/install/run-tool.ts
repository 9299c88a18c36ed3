import { type ChildProcess, spawn } from 'node:child_process'
import { installError, reasonOf } from './failure.ts'

/** How a tool of the machine is run. */
export interface ToolOptions {
  readonly cwd: string
  readonly env: NodeJS.ProcessEnv
  readonly signal?: AbortSignal | undefined
  /** What to do where the tool is not there. */
  readonly absent: string
  /** Milliseconds. Default: 20 minutes, since a build can be long. */
  readonly timeoutMs?: number
}

const TIMEOUT_MS = 20 * 60_000
const MAX_OUTPUT = 4 * 1024 * 1024
const SHOWN = 600

/**
 * What a tool printed.
 *
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_INSTALL` with the end of what it said, when it is absent or fails.
 */
export async function runTool(command: string, args: readonly string[], options: ToolOptions): Promise<string> {
  const { cwd, env, signal, absent, timeoutMs = TIMEOUT_MS } = options
  signal?.throwIfAborted()
  // A group of its own, so that compilers that it starts end with it.
  const child = spawn(command, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true })
  const end = (): void => killGroup(child)
  const timer = setTimeout(end, timeoutMs)
  signal?.addEventListener('abort', end, { once: true })
  process.once('exit', end)
  try {
    const { code, output, errors } = await ended(child)
    signal?.throwIfAborted()
    if (code === 0) return output
    const said = printable(errors.trim() === '' ? output : errors)
    throw installError(`${command} ${args[0] ?? ''} failed: ${said === '' ? `it ended with ${code}` : said}`)
  } catch (cause) {
    if (reasonOf(cause) === 'ENOENT') throw installError(absent, { cause })
    throw cause
  } finally {
    clearTimeout(timer)
    signal?.removeEventListener('abort', end)
    process.removeListener('exit', end)
  }
}

function killGroup({ pid }: ChildProcess): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // Gone already.
  }
}

interface Ended {
  readonly code: number | string
  readonly output: string
  readonly errors: string
}

function ended(child: ChildProcess): Promise<Ended> {
  const texts = { output: '', errors: '' }
  const keep = (name: 'output' | 'errors') => (text: string) => {
    if (texts[name].length < MAX_OUTPUT) texts[name] += text
  }
  child.stdout?.setEncoding('utf8').on('data', keep('output'))
  child.stderr?.setEncoding('utf8').on('data', keep('errors'))
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code, signal) => resolve({ code: code ?? signal ?? 'no code', ...texts }))
  })
}

/** The end of what a tool said, without what a terminal would take as orders. */
export function printable(text: string): string {
  const plain = text.replace(/\u001b\[[0-9;?]*[A-Za-z]/g, '').replace(/[^\P{Cc}\n]/gu, ' ')
  return plain.trim().slice(-SHOWN)
}
