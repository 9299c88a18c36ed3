/** How a command ended; documented in README.md of this folder. */
export const EXIT = {
  ok: 0,
  /** The work could not be done. */
  failed: 1,
  /** The work was done, and what it looked for was found: a fault of a policy, a refusal, a row that fails. */
  found: 1,
  /** The arguments are wrong, or what they name cannot be read; nothing was done. */
  usage: 2,
  /** A plugin was not trusted; nothing was kept. */
  untrusted: 3,
  /** What is installed, or was fetched, is not what the lock says. */
  lock: 4,
  /** By Ctrl-C. */
  interrupted: 130,
} as const

/** The arguments fit no use of the command. */
export class UsageError extends Error {}

/** A failure of the command line itself; `code` is for `--json`. */
export class CommandError extends Error {
  readonly code: string

  constructor(message: string, code = 'ERR_COMMAND_FAILED') {
    super(message)
    this.code = code
  }
}
