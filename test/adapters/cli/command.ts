import { type ChildProcess, spawn } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { ROOT } from '../../support/imports.ts'

/** How a command ended. */
export interface Ended {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
}

export interface CommandOptions {
  readonly cwd: string
  readonly env?: NodeJS.ProcessEnv
  /** What stands on its standard input. Default: nothing. */
  readonly input?: string
  /** Handed the process when it has started. */
  readonly onStart?: (child: ChildProcess) => void
}

/** Arguments of Node that run the command from its source. */
export const MAIN_ARGS: readonly string[] = [
  ...['--disable-warning=ExperimentalWarning', '-C', 'portcullis-source'],
  join(ROOT, 'adapters/cli/main.ts'),
]

/** Runs `portcullis` as a process of its own, with no terminal. */
export function portcullis(args: readonly string[], { cwd, env = {}, input, onStart }: CommandOptions): Promise<Ended> {
  return ended(spawn(process.execPath, [...MAIN_ARGS, ...args], { cwd, env: cleanEnvironment(env) }), onStart, input)
}

/** Runs any program. */
export function runProgram(
  command: string,
  args: readonly string[],
  { cwd, env = {} }: CommandOptions,
): Promise<Ended> {
  return ended(spawn(command, args, { cwd, env: cleanEnvironment(env) }))
}

function ended(child: ChildProcess, onStart?: (child: ChildProcess) => void, input?: string): Promise<Ended> {
  const texts = { stdout: '', stderr: '' }
  for (const name of ['stdout', 'stderr'] as const)
    child[name]?.setEncoding('utf8').on('data', (text: string) => {
      texts[name] += text
    })
  child.stdin?.end(input)
  onStart?.(child)
  return new Promise((resolve, reject) => {
    child.once('error', reject)
    child.once('close', (code) => resolve({ code, ...texts }))
  })
}

/** Neither a server nor settings of the npm that runs the tests. */
function cleanEnvironment(more: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  const own = Object.entries(process.env).filter(([name]) => !/^(?:VAULT_|BAO_|npm_|NODE_)/i.test(name))
  return { ...Object.fromEntries(own), ...more }
}

export function temporaryFolder(t: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'cli-'))
  t.after(() => rmSync(folder, { recursive: true, force: true, maxRetries: 3 }))
  return folder
}
