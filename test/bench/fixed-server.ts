import { startChild } from './child.ts'
import type { Scope } from './scope.ts'

/** Starts the server of `fixed-server-main.ts` in a process of its own. Gives its address. */
export async function startFixedServer(scope: Scope): Promise<string> {
  const { first } = await startChild(scope, './fixed-server-main.ts', [])
  return `http://127.0.0.1:${first}`
}
