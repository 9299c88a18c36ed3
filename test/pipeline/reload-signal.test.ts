import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { test } from 'node:test'
import { ROOT } from '../support/imports.ts'

/** A service as the README has it: the handler is its own line. */
const SERVICE = `
import { callback, createGateway, token } from 'portcullis'
const gateway = await createGateway({
  server: { address: 'http://127.0.0.1:1' },
  auth: token({ token: 'none' }),
  policies: process.argv[1],
  audit: { devices: [callback('none', () => {})] },
})
process.on('SIGHUP', () => gateway.reloadPolicies().catch(() => {}))
const say = (what) => console.log(what, gateway.explain({ operation: 'read', path: 'kv/a' }).decision.effect)
gateway.on('policiesReloaded', () => say('reloaded'))
gateway.on('policiesRefused', ({ message }) => say(message.replace(/^.*p\\.json/, 'p.json')))
setInterval(() => {}, 1000)
say('started')
`

test('SIGHUP puts changed policies in force, and a bad file leaves those in force', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'policies-'))
  const write = (text: string): void => writeFileSync(join(folder, 'p.json'), text)
  const policy = (path: string): string =>
    JSON.stringify({ policy: 'p', rules: [{ path, operations: ['read'], effect: 'allow' }] })
  write(policy('kv/a'))
  const args = ['-C', 'portcullis-source', '--input-type=module', '-e', SERVICE, folder]
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'inherit'] })
  const ended = new Promise((resolve) => child.once('exit', resolve))
  t.after(async () => {
    child.kill('SIGKILL')
    await ended
    rmSync(folder, { recursive: true })
  })
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  const next = async (): Promise<unknown> => (await lines.next()).value
  assert.equal(await next(), 'started allow')
  write(policy('kv/b'))
  child.kill('SIGHUP')
  assert.equal(await next(), 'reloaded deny')
  write('{')
  child.kill('SIGHUP')
  assert.match(String(await next()), /^p\.json: line 1: .* deny$/)
  write(policy('kv/+'))
  child.kill('SIGHUP')
  assert.equal(await next(), 'reloaded allow')
})
