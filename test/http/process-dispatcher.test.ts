import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'

const MODULE = JSON.stringify(new URL('../../lib/http/transport.ts', import.meta.url).href)

/** Names of the two dispatchers of a process after `before` and the import of the driver. */
function dispatchersAfter(before: string): string {
  const script = `
    const keys = [1, 2].map((version) => Symbol.for('undici.globalDispatcher.' + version))
    ${before}
    await import(${MODULE})
    console.log(keys.map((key) => String(globalThis[key]?.name)).join())
    console.log((await fetch('data:,works')).status)
  `
  const { stdout, stderr } = spawnSync(process.execPath, ['--input-type=module', '-e', script], { encoding: 'utf8' })
  assert.equal(stderr, '')
  return stdout
}

test('importing the driver leaves the dispatcher of fetch alone, and fetch works', () => {
  assert.equal(dispatchersAfter(''), 'undefined,undefined\n200\n')
  const own = 'globalThis[keys[0]] = { name: "own", dispatch() {} }'
  assert.equal(dispatchersAfter(own), 'own,undefined\n200\n')
})
