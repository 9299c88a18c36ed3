import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { test } from 'node:test'
import { promisify } from 'node:util'
import { folderFor } from './folder.ts'

/** Runs `script` as a process of its own, which has `audit`, `draft` and the file of `argv[1]`. */
async function ran(script: string, path: string): Promise<string> {
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-C', 'portcullis-source', '--input-type=module', '-e', `${PRELUDE}${script}`, path],
    { cwd: new URL('../..', import.meta.url), timeout: 20_000 },
  )
  return stdout.trim()
}

const PRELUDE = `
  const load = (path) => import(process.cwd() + '/lib/' + path)
  const { createAudit } = await load('audit/audit.ts')
  const { callback } = await load('audit/function-device.ts')
  const { createHasher } = await load('audit/hasher.ts')
  const { NO_TELEMETRY } = await load('ports/telemetry.ts')
  const { file } = await load('system/audit-file.ts')
  const { systemClock } = await load('system/clock.ts')
  const { otel } = await load('telemetry/audit-otel.ts')
  const draft = {
    type: 'request',
    caller: { attributes: {} },
    decision: { effect: 'allow', reason: 'own', message: '' },
    request: { id: 'r', operation: 'read', namespace: { path: '' }, path: 'a' },
  }
  const audit = await createAudit({
    devices: [file(process.argv[1]), otel(), callback('mine', () => {})],
    hasher: createHasher(new Uint8Array(16)),
    clock: systemClock,
    instance: 'i',
    telemetry: NO_TELEMETRY,
    diagnostics: { warn() {} },
  })
`

test('a process with open devices that wrote nothing ends by itself', async (t) => {
  assert.equal(await ran('console.log("end")', join(await folderFor(t), 'audit.jsonl')), 'end')
})

test('a process with open devices ends by itself at once, its time limits still running', async (t) => {
  const script = `
    await audit.record(draft)
    await audit.record(draft)
    console.log(audit.counters().map(({ accepted }) => accepted).join())
    const endedAt = performance.now()
    process.on('exit', () => console.log(performance.now() - endedAt < 1_000))`
  assert.equal(await ran(script, join(await folderFor(t), 'audit.jsonl')), '2,0,2\ntrue')
})
