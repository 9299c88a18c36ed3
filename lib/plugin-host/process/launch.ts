import { type ChildProcess, spawn } from 'node:child_process'
import type { Clock } from '../../ports/clock.ts'
import type { Confined } from './confine.ts'
import { firstLine } from './first-line.ts'
import { guardGroup } from './guard.ts'
import { type Handshake, type HandshakeTerms, MAX_HANDSHAKE_BYTES, parseHandshake } from './handshake.ts'
import type { PluginLogEntry } from './log-entry.ts'
import { readLog } from './log-stream.ts'
import {
  familyOf,
  killProcess,
  type ProcessId,
  processesOfUser,
  processesWith,
  processOf,
  signal,
} from './process-table.ts'

/** What is started, and by which rules. */
export interface LaunchPlan {
  readonly plugin: string
  readonly command: Confined
  readonly environment: Readonly<Record<string, string>>
  readonly homeFolder: string
  readonly terms: HandshakeTerms
  /** From the start to the handshake. */
  readonly timeoutMs: number
  /** The plugin's own user, if it has one: all that runs as it goes with the process. */
  readonly uid: number | undefined
  readonly clock: Clock
  readonly onLog: ((entry: PluginLogEntry) => void) | undefined
}

/** Passes over what is left of a process; one that forks while it is looked at is met by the next. */
const SWEEPS = 5
/** Between the end of its output and its own; milliseconds. */
const ENDING_MS = 500
/** For the rest of its log; milliseconds. */
const LAST_WORDS_MS = 1000

/** How a process ended. */
export interface ProcessEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

/**
 * A process of a plugin, from its start to the end of everything that it started in turn.
 *
 * It has a process group of its own, so that a terminal's interrupt does not reach it, and one signal reaches all.
 */
export class PluginChild {
  readonly pid: number
  /** Resolves once it has ended, by itself or not; never rejects. */
  readonly ended: Promise<ProcessEnd>
  #end: ProcessEnd | undefined
  readonly #child: ChildProcess
  readonly #plan: LaunchPlan
  readonly #stopGuard: () => void
  /** What it was seen to have started: found again even where it left the group. */
  #family: readonly ProcessId[] = []

  /** @throws {Error} of the system, when nothing can be started. */
  static async start(plan: LaunchPlan): Promise<PluginChild> {
    const child = spawn(plan.command.file, plan.command.args, {
      cwd: plan.homeFolder,
      env: { ...plan.environment },
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
    })
    await new Promise<void>((resolve, reject) => {
      child.once('spawn', resolve)
      child.once('error', reject)
    })
    return new PluginChild(child, plan)
  }

  private constructor(child: ChildProcess, plan: LaunchPlan) {
    this.pid = child.pid ?? 0
    this.#child = child
    this.#plan = plan
    this.#stopGuard = plan.command.diesWithParent ? () => {} : guardGroup(this.pid)
    child.on('error', () => {})
    if (child.stderr !== null) readLog(child.stderr, plan.plugin, plan.clock, plan.onLog)
    this.ended = new Promise((resolve) => {
      child.once('exit', (code, name) => {
        this.#end = { code, signal: name }
        this.#sweep()
        resolve(this.#end)
      })
    })
  }

  get hasEnded(): boolean {
    return this.#end !== undefined
  }

  /** @throws {Error} saying why there is none; the process is then still to be killed. */
  async handshake(): Promise<Handshake> {
    const { clock, terms, timeoutMs } = this.#plan
    const { stdout } = this.#child
    if (stdout === null) throw new Error('it has no output')
    let timer = clock.after(0, () => {})
    const late = new Promise<never>((_, reject) => {
      timer = clock.after(timeoutMs, () => reject(new Error(`it printed no handshake within ${timeoutMs} ms`)))
    })
    try {
      const line = firstLine(stdout, MAX_HANDSHAKE_BYTES, clock).catch((cause) => this.#unlessEnding(cause))
      return parseHandshake(await Promise.race([line, late, this.#noHandshake()]), terms)
    } finally {
      timer.cancel()
    }
  }

  /** Looks at what it has started. @returns the numbers of all its processes. */
  family(): readonly number[] {
    if (this.hasEnded) return []
    const pids = familyOf(this.pid)
    this.#family = pids.flatMap((pid) => processOf(pid) ?? [])
    return pids
  }

  /** Asks it to end. */
  terminate(): void {
    if (!this.hasEnded) signal(-this.pid, 'SIGTERM')
  }

  /** Ends it and all that it started, now. */
  kill(): void {
    if (this.hasEnded) return
    this.family()
    signal(-this.pid, 'SIGKILL')
  }

  /** A process that ends closes its output a moment before: how it ended says more. */
  async #unlessEnding(cause: unknown): Promise<never> {
    await Promise.race([this.ended, new Promise<void>((resolve) => this.#plan.clock.after(ENDING_MS, resolve))])
    if (this.hasEnded) return await this.#noHandshake()
    throw cause
  }

  async #noHandshake(): Promise<never> {
    const { code, signal: name } = await this.ended
    throw new Error(`it ended (${code === null ? `signal ${name}` : `code ${code}`}) before a handshake`)
  }

  /** Kills what is left of its group, and what left the group. Runs before its number can be another's. */
  #sweep(): void {
    this.#stopGuard()
    signal(-this.pid, 'SIGKILL')
    for (const id of this.#family) killProcess(id)
    for (let pass = 0; pass < SWEEPS; pass++) {
      const left = this.#stragglers()
      if (left.length === 0) break
      for (const id of left) killProcess(id)
    }
    const { stdout, stderr } = this.#child
    stdout?.destroy()
    // Its last words (a panic, its stack) may not be read yet; what it forked must not hold them open for ever.
    this.#plan.clock.after(LAST_WORDS_MS, () => stderr?.destroy())
  }

  #stragglers(): readonly ProcessId[] {
    const { uid, terms } = this.#plan
    const marked = processesWith(`PLUGIN_UNIX_SOCKET_DIR=${terms.socketFolder}`)
    return uid === undefined ? marked : [...marked, ...processesOfUser(uid)]
  }
}
