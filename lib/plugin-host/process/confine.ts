import { failure } from './failure.ts'
import type { FolderOwner, ProcessFolders } from './folders.ts'
import type { Isolation } from './plugins.ts'
import { sandboxArgs } from './sandbox.ts'
import type { Tools } from './tools.ts'

/** A program and its arguments. */
export interface Command {
  readonly file: string
  readonly args: readonly string[]
}

/** What a plugin process is confined to. */
export interface Confinement {
  readonly plugin: string
  readonly isolation: Isolation
  /** The plugin's own user; only with a host that runs as root. */
  readonly owner: FolderOwner | undefined
  readonly folders: ProcessFolders
  /** Bytes; `Infinity` for no limit. */
  readonly memoryBytes: number
  readonly hasNetwork: boolean
  /** What a sandbox shows besides the system and the program. */
  readonly readOnlyPaths: readonly string[]
}

/** A confined command. */
export interface Confined extends Command {
  /** Does the kernel end it with its parent? Else it needs a guard. */
  readonly diesWithParent: boolean
}

/**
 * The least that a process may reserve, in bytes: V8 sets 512 MiB apart for code before it runs a line. A limit below is
 * held by the watch on what is really used.
 */
const LEAST_DATA = 768 * 1024 * 1024
/** Processes of one user at most, where the plugin has a user of its own. */
const MAX_PROCESSES = 512

/**
 * `command`, wrapped in what holds it to its isolation level.
 *
 * @throws {PluginError} `ERR_PORTCULLIS_PLUGIN_ISOLATION` where this machine lacks what the level takes.
 */
export function confine(command: Command, by: Confinement, tools: Tools): Confined {
  const chain: string[] = []
  if (tools.prlimit !== undefined) chain.push(tools.prlimit, ...limits(by), '--')
  const diesWithParent = privileges(chain, by, tools)
  if (by.isolation === 'sandbox') chain.push(...sandbox(command, by, tools))
  const [file = command.file, ...args] = [...chain, command.file, ...command.args]
  return { file, args, diesWithParent }
}

function limits({ memoryBytes, owner }: Confinement): readonly string[] {
  return [
    // Never the address space: Go and V8 reserve far more of it than they use.
    ...(memoryBytes === Infinity ? [] : [`--data=${Math.max(memoryBytes, LEAST_DATA)}`]),
    ...(owner === undefined ? [] : [`--nproc=${MAX_PROCESSES}`]),
    // What a crash would write to disk holds the secrets of the moment.
    '--core=0',
  ]
}

/** @returns whether it dies with its parent. */
function privileges(chain: string[], by: Confinement, tools: Tools): boolean {
  const { isolation, owner } = by
  if (tools.setpriv === undefined) {
    if (owner !== undefined) throw missing(by, 'setpriv of util-linux, to change the user')
    return isolation === 'sandbox'
  }
  chain.push(tools.setpriv)
  if (owner !== undefined) {
    chain.push('--reuid', String(owner.uid), '--regid', String(owner.gid), '--clear-groups')
    chain.push('--inh-caps=-all', '--ambient-caps=-all')
    if (isolation === 'uid') chain.push('--bounding-set=-all')
  }
  // bubblewrap sets it itself, after what it needs to set up.
  if (isolation !== 'sandbox') chain.push('--no-new-privs')
  chain.push('--pdeathsig', 'KILL', '--')
  return true
}

function sandbox(command: Command, by: Confinement, tools: Tools): readonly string[] {
  if (tools.bwrap === undefined) throw missing(by, 'bubblewrap (bwrap) that may make user namespaces')
  return [tools.bwrap, ...sandboxArgs({ ...by, readOnly: [command.file, ...by.readOnlyPaths] })]
}

function missing(by: Confinement, what: string): Error {
  return failure('ERR_PORTCULLIS_PLUGIN_ISOLATION', by, `level ${by.isolation} needs ${what}`)
}
