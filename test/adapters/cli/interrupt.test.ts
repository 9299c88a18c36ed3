import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { placeIn, scriptPlugin, writePlugin } from '../../plugin-host/install/place.ts'
import { type Ended, MAIN_ARGS, portcullis, runProgram, temporaryFolder } from './command.ts'

const ROUNDS = 20

/** Runs an install that gets `signal` after a while; `undefined` for how long one takes undisturbed. */
async function install(cwd: string, signal: NodeJS.Signals | undefined, afterMs: number): Promise<Ended> {
  return await portcullis(['plugin', 'install', './greeter', '--yes', '--folder', 'store'], {
    cwd,
    onStart: (child) => {
      if (signal === undefined) return
      const timer = setTimeout(() => child.kill(signal), afterMs)
      child.once('exit', () => clearTimeout(timer))
    },
  })
}

test(`killed at ${ROUNDS} random moments, an install is there whole or not at all, and the next one works`, async (t) => {
  const cwd = temporaryFolder(t)
  const { installer, files } = placeIn(cwd)
  writePlugin(cwd, 'greeter', scriptPlugin('v1.0.0'))
  assert.equal((await install(cwd, undefined, 0)).code, 0)
  writePlugin(cwd, 'greeter', scriptPlugin('v1.0.0-warm'))
  const started = performance.now()
  assert.equal((await install(cwd, undefined, 0)).code, 0)
  const wholeMs = performance.now() - started
  let done = 0
  for (let round = 1; round <= ROUNDS; round += 1) {
    writePlugin(cwd, 'greeter', scriptPlugin(`v1.0.${round}`))
    const before = await installer.list()
    const { code } = await install(cwd, 'SIGKILL', randomInt(Math.round(wholeMs)))
    if (code === 0) done += 1
    const after = await installer.list()
    const isNew = after.length === before.length + 1
    assert.ok(isNew || after.length === before.length, 'the lock is the old one or the new one')
    if (code === 0) assert.ok(isNew)
    for (const { state, name, version } of await installer.verify()) assert.equal(state, 'ok', `${name} ${version}`)
  }
  t.diagnostic(`${done} of ${ROUNDS} had ended before they were killed`)
  writePlugin(cwd, 'greeter', scriptPlugin('v2.0.0'))
  assert.equal((await install(cwd, undefined, 0)).code, 0)
  const locked = await installer.list()
  assert.equal(locked.at(-1)?.version, 'v2.0.0')
  const expected = ['greeter', ...locked.flatMap(({ sha256 }) => [`greeter/${sha256}`, `greeter/${sha256}/greeter`])]
  assert.deepEqual(files(), expected.sort())
})

test('Ctrl-C ends an install at once: exit code 130, nothing left, no plugin process either', async (t) => {
  const cwd = temporaryFolder(t)
  writePlugin(cwd, 'greeter', '#!/bin/sh\ntouch started\nexec sleep 600\n'.replace('started', join(cwd, 'started')))
  const started = performance.now()
  const ended = await portcullis(['plugin', 'install', './greeter', '--yes', '--type', 'secret'], {
    cwd,
    onStart: async (child) => {
      while (!existsSync(join(cwd, 'started'))) await sleep(50)
      child.kill('SIGINT')
    },
  })
  assert.equal(ended.code, 130)
  // Less than the time limit of a start, which is a minute: it was not waited for.
  assert.ok(performance.now() - started < 45_000)
  assert.match(ended.stderr, /error: interrupted; nothing was left half done\n {2}\(ERR_INTERRUPTED\)\n$/)
  const left = readdirSync(join(cwd, '.portcullis/plugins')).filter((name) => !name.startsWith('process.lock'))
  assert.deepEqual(left, [])
  assert.equal(existsSync(join(cwd, 'plugins.lock.json')), false)
})

for (const [answer, code] of [
  ['y', 0],
  ['n', 3],
  ['', 3],
] as const) {
  test(`on a terminal somebody is asked, and ${JSON.stringify(answer)} ends with ${code}`, async (t) => {
    const cwd = temporaryFolder(t)
    writePlugin(cwd)
    const command = [process.execPath, ...MAIN_ARGS, 'plugin', 'install', './greeter']
      .map((part) => `'${part}'`)
      .join(' ')
    // Gives the command a terminal, and types the answer when it is asked for.
    const script = `(while [ ! -e asked ]; do sleep 0.05; done; printf '${answer}\\n') | script -qefc "${command}; echo code=\\$?" /dev/null | while IFS= read -r -d ']' part; do printf '%s]' "$part"; case "$part" in *'[y/N') : > asked;; esac; done; :`
    const { stdout } = await runProgram('bash', ['-c', `${script}`], { cwd })
    assert.match(stdout, /Trust it\? \[y\/N\]/)
    assert.equal(existsSync(join(cwd, 'plugins.lock.json')), code === 0)
  })
}
