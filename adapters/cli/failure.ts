import { CommanderError } from 'commander'
import { CommandError, EXIT, UsageError } from './exit.ts'
import { createScreen, shown } from './screen.ts'

/** Says what went wrong and what to do, without a stack trace. @returns how the process ends. */
export async function report(
  error: unknown,
  options: { readonly json: boolean; readonly interrupted: boolean },
): Promise<number> {
  if (error instanceof CommanderError) return error.exitCode === 0 ? EXIT.ok : EXIT.usage
  const { code, message, todo, exit } = options.interrupted ? INTERRUPTED : await described(error)
  const screen = createScreen(options)
  if (options.json) screen.result({ error: { code, message } }, [])
  else screen.note([`error: ${message}`, ...(todo === '' ? [] : [`  ${todo}`]), `  (${code})`].join('\n'))
  return exit
}

interface Failure {
  readonly code: string
  readonly message: string
  readonly todo: string
  readonly exit: number
}

const INTERRUPTED: Failure = {
  code: 'ERR_INTERRUPTED',
  message: 'interrupted; nothing was left half done',
  todo: '',
  exit: EXIT.interrupted,
}

const EXITS: Readonly<Record<string, number>> = {
  ERR_INPUT: EXIT.usage,
  ERR_PORTCULLIS_POLICY_INVALID: EXIT.usage,
  ERR_PORTCULLIS_PLUGIN_UNTRUSTED: EXIT.untrusted,
  ERR_PORTCULLIS_PLUGIN_LOCK: EXIT.lock,
  ERR_PORTCULLIS_PLUGIN_HASH: EXIT.lock,
}

async function described(error: unknown): Promise<Failure> {
  if (error instanceof UsageError) return { code: 'ERR_USAGE', message: error.message, todo: '', exit: EXIT.usage }
  if (error instanceof CommandError)
    return { code: error.code, message: error.message, todo: '', exit: EXITS[error.code] ?? EXIT.failed }
  // Loaded for what failed alone: `--help` and wrong usage have not to wait for it.
  const { ERROR_CODES, PortcullisError } = await import('portcullis')
  if (error instanceof PortcullisError) {
    const exit = EXITS[error.code] ?? EXIT.failed
    return { code: error.code, message: error.message, todo: ERROR_CODES[error.code].meaning, exit }
  }
  const { code, message } = error as NodeJS.ErrnoException
  const missing = /^Cannot find package '([^']+)'/.exec(message)?.[1]
  if (missing !== undefined)
    return {
      code: 'ERR_PACKAGE_MISSING',
      message: `the package ${missing} is needed for this and not installed`,
      todo: `Run: npm install ${missing}`,
      exit: EXIT.failed,
    }
  const known = typeof code === 'string' ? code : 'ERR_UNEXPECTED'
  return { code: known, message: shown(String(message)), todo: '', exit: EXIT.failed }
}
