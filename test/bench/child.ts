import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { Scope } from './scope.ts'

/** Starts a module of this folder; resolves with its first message. It ends with `scope`, and with this process. */
export async function startChild(
  scope: Scope,
  module: string,
  args: readonly string[],
): Promise<{ readonly process: ChildProcess; readonly first: unknown }> {
  const child = fork(fileURLToPath(new URL(module, import.meta.url)), args, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
  })
  scope.add(() => end(child))
  return { process: child, first: await nextMessage(child) }
}

/** The next message of `child`. @throws {Error} when it ends instead. */
export async function nextMessage(child: ChildProcess): Promise<unknown> {
  const settled = new AbortController()
  const { signal } = settled
  try {
    return await Promise.race([
      once(child, 'message', { signal }).then(([message]) => message as unknown),
      once(child, 'exit', { signal }).then(([code, by]) => {
        throw new Error(`a process of the benchmark ended early (${by ?? code})`)
      }),
    ])
  } finally {
    settled.abort()
  }
}

/** Ends `child` at once: what it has opened is below a folder of the scope, or a socket. */
export async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill('SIGKILL')
  await ended
}
