import { type ChildProcess, type SpawnOptions, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'

/** A server process that ends with this one, also when this one is killed. */
export interface Child {
  readonly exited: Promise<void>
  isRunning(): boolean
  /** What it wrote on both outputs so far. */
  log(): string
  /** Sends `signal`, and SIGKILL 3 s later. Resolves when it has ended. Idempotent. */
  stop(signal: NodeJS.Signals): Promise<void>
}

const SETPRIV = '/usr/bin/setpriv'
const KILL_AFTER_MS = 3_000

/** Starts `command`. Its outputs are kept; it gets no input. */
export function startChild(command: string, args: readonly string[], options: SpawnOptions): Child {
  const stdio = ['ignore', 'pipe', 'pipe'] as const
  const child = existsSync(SETPRIV)
    ? spawn(SETPRIV, ['--pdeathsig', 'KILL', '--', command, ...args], { ...options, stdio: [...stdio] })
    : spawn(command, args, { ...options, stdio: [...stdio] })
  const chunks: string[] = []
  for (const output of [child.stdout, child.stderr]) output?.setEncoding('utf8').on('data', (text) => chunks.push(text))
  const killAtExit = (): void => void child.kill('SIGKILL')
  process.once('exit', killAtExit)
  const exited = new Promise<void>((resolve) => {
    child.once('error', (error) => {
      chunks.push(`${error.message}\n`)
      resolve()
    })
    child.once('close', () => resolve())
  }).finally(() => process.removeListener('exit', killAtExit))
  return {
    exited,
    isRunning: () => isRunning(child),
    log: () => chunks.join(''),
    async stop(signal): Promise<void> {
      if (isRunning(child)) child.kill(signal)
      const killer = setTimeout(() => child.kill('SIGKILL'), KILL_AFTER_MS)
      await exited
      clearTimeout(killer)
    },
  }
}

function isRunning(child: ChildProcess): boolean {
  return child.pid !== undefined && child.exitCode === null && child.signalCode === null
}

/** Asks `isReady` every 20 ms, until it says yes. @throws {Error} with the child's output, when the child ends first or 20 s have gone by. */
export async function untilReady(child: Child, what: string, isReady: () => Promise<boolean>): Promise<void> {
  const endMs = performance.now() + 20_000
  while (!(await isReady())) {
    if (!child.isRunning()) throw new Error(`${what} ended while it started:\n${child.log()}`)
    if (performance.now() > endMs) throw new Error(`${what} was not ready within 20 s:\n${child.log()}`)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
}
