import { execFile } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { join } from 'node:path'

/** Programs of the system that keep a plugin process in bounds, as far as they are there and work. */
export interface Tools {
  /** `setpriv` that knows `--pdeathsig`. */
  readonly setpriv: string | undefined
  readonly prlimit: string | undefined
  /** `bwrap` that may make namespaces. */
  readonly bwrap: string | undefined
}

const FOLDERS = ['/usr/bin', '/bin', '/usr/sbin', '/sbin', '/usr/local/bin']
const PROBE_TIMEOUT_MS = 5000
/** What a sandbox needs of the kernel. */
const NAMESPACES = ['--unshare-user', '--unshare-pid', '--unshare-ipc', '--unshare-uts', '--die-with-parent']

/** Older ones know no limit for files in memory. */
const TMPFS = ['--size', '1048576', '--tmpfs', '/tmp']

/** Looks once which tools there are, by running them: to have a file of that name is not enough. */
export async function findTools(): Promise<Tools> {
  const [setpriv, prlimit, bwrap] = await Promise.all([
    working('setpriv', ['--pdeathsig', 'KILL', '--no-new-privs', '--', '/bin/true']),
    working('prlimit', ['--data=1000000000', '--core=0', '--', '/bin/true']),
    working('bwrap', [...NAMESPACES, '--ro-bind', '/', '/', '--proc', '/proc', ...TMPFS, '/bin/true']),
  ])
  return { setpriv, prlimit, bwrap }
}

async function working(name: string, args: readonly string[]): Promise<string | undefined> {
  const path = FOLDERS.map((folder) => join(folder, name)).find(isExecutable)
  if (path === undefined) return undefined
  return new Promise((resolve) => {
    execFile(path, args, { timeout: PROBE_TIMEOUT_MS, env: {} }, (error) => resolve(error === null ? path : undefined))
  })
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return true
  } catch {
    return false
  }
}
