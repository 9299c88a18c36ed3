import { PortcullisError } from '../errors/index.ts'

/** The code of what went wrong, for events and metrics; `unknown` for what is no error of ours. */
export function codeOf(error: unknown): string {
  return error instanceof PortcullisError ? error.code : 'unknown'
}
