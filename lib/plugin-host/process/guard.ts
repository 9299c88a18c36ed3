import { type ChildProcess, spawn } from 'node:child_process'

/** Waits for the end of its input, which comes with the end of the host however that dies; then kills the group. */
const SCRIPT = 'read -r _; kill -s KILL -- "-$1"'

/**
 * Sees to it that the process group `pid` does not outlive this process, where the kernel has no death signal.
 *
 * @returns what ends the guard; call it before the number of the group can be another's.
 */
export function guardGroup(pid: number): () => void {
  const guard: ChildProcess = spawn('/bin/sh', ['-c', SCRIPT, 'guard', String(pid)], {
    stdio: ['pipe', 'ignore', 'ignore'],
    detached: true,
    env: {},
  })
  guard.on('error', () => {})
  guard.stdin?.on('error', () => {})
  guard.unref()
  return () => void guard.kill('SIGKILL')
}
