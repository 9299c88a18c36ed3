import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { processesOfUser } from '../../../lib/plugin-host/process/process-table.ts'
import { findTools } from '../../../lib/plugin-host/process/tools.ts'
import { Users } from '../../../lib/plugin-host/process/users.ts'

const TOOLS = await findTools()
const IS_CI = !['', '0', 'false'].includes(process.env.CI ?? '')
const ROOT_ONLY = {
  skip: !IS_CI && (process.getuid?.() !== 0 || TOOLS.setpriv === undefined) && 'needs root and setpriv',
}
/** The one of the system: another user may not reach the one first in PATH. */
const PYTHON = '/usr/bin/python3'
let lastUser = 780_000 + (process.pid % 1000) * 10

/** Runs `command` as a user of its own, for a parent that waits for no child; as PID 1 of many a container does. */
async function unburied(t: TestContext, ...command: readonly string[]): Promise<number> {
  const user = ++lastUser
  const script = `setpriv --reuid=${user} --regid=${user} --clear-groups "$@"`
  const child = spawn('sh', ['-c', `${script} & echo up; exec sleep 60`, 'sh', ...command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  t.after(async () => {
    for (const { pid } of processesOfUser(user)) process.kill(pid, 'SIGKILL')
    child.kill('SIGKILL')
    await new Promise((resolve) => child.once('exit', resolve))
  })
  await new Promise((resolve) => child.stdout.once('data', resolve))
  return user
}

/** State and users of each process of that user, zombies included. */
function statesOf(uid: number): readonly string[] {
  return readdirSync('/proc').flatMap((pid) => {
    try {
      const text = readFileSync(`/proc/${pid}/status`, 'utf8')
      return new RegExp(`^Uid:.*\\b${uid}\\b`, 'm').test(text) ? [text] : []
    } catch {
      return []
    }
  })
}

const isZombie = (text: string): boolean => /^State:\s+Z/m.test(text)

async function until(holds: () => boolean): Promise<void> {
  for (let at = 0; at < 500 && !holds(); at++) await sleep(20)
  assert.ok(holds())
}

test('a user whose last process has ended, but whom nobody buries, is free', ROOT_ONLY, async (t) => {
  const user = await unburied(t, 'true')
  await until(() => statesOf(user).some(isZombie))
  assert.deepEqual(processesOfUser(user), [])
  assert.equal(new Users({ first: user, count: 1 }).take('p').uid, user)
})

test('a user is not free while a thread outlives the first of its process', ROOT_ONLY, async (t) => {
  const code = `import ctypes, threading, time
threading.Thread(target=time.sleep, args=(60,)).start()
ctypes.CDLL(None).pthread_exit(None)`
  const user = await unburied(t, PYTHON, '-c', code)
  await until(() => statesOf(user).some(isZombie))
  assert.equal(processesOfUser(user).length, 1)
  assert.throws(() => new Users({ first: user, count: 1 }).take('p'), { code: 'ERR_PORTCULLIS_PLUGIN_ISOLATION' })
})
