import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { constants, readFileSync } from 'node:fs'
import {
  chmod,
  type FileHandle,
  mkdir,
  open,
  readFile,
  rename,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { promisify } from 'node:util'
import { type Audit, type AuditDraft, createAudit } from '../../lib/audit/audit.ts'
import { createHasher } from '../../lib/audit/hasher.ts'
import type { AuditDeviceOptions } from '../../lib/ports/audit-device.ts'
import { NO_DIAGNOSTICS } from '../../lib/ports/diagnostics.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { file } from '../../lib/system/audit-file.ts'
import { systemClock } from '../../lib/system/clock.ts'
import { assertEntry } from '../support/entry-schema.ts'
import { folderFor } from './folder.ts'

const DRAFT: AuditDraft = {
  type: 'request',
  caller: { attributes: { service: 'orders' }, parent: undefined, id: 'orders' },
  decision: { effect: 'allow', reason: 'rule', policy: 'p', rule: 'r', message: 'allowed' },
  request: { id: 'r-1', operation: 'read', namespace: { path: '' }, path: 'database/creds/orders' },
}

/** A draft whose line has about `bytes` bytes. */
function large(bytes: number): AuditDraft {
  return { ...DRAFT, request: { ...DRAFT.request, data: { filler: 'x'.repeat(bytes) } } }
}

async function recording(t: TestContext, ...devices: AuditDeviceOptions[]): Promise<Audit> {
  const audit = await createAudit({
    devices,
    hasher: createHasher(new Uint8Array(16)),
    clock: systemClock,
    instance: 'i',
    telemetry: NO_TELEMETRY,
    diagnostics: NO_DIAGNOSTICS,
  })
  t.after(() => audit.close())
  return audit
}

async function fifoIn(t: TestContext): Promise<string> {
  const path = join(await folderFor(t), 'fifo')
  await promisify(execFile)('mkfifo', ['-m', '600', path])
  return path
}

/** A reader of the FIFO that reads when told. */
async function readerOf(t: TestContext, path: string): Promise<FileHandle> {
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => reader.close().catch(() => {}))
  return reader
}

/** Everything that comes until the last line has ended and `count` lines are there. */
async function linesFrom(reader: FileHandle, count: number): Promise<readonly string[]> {
  const chunks: Buffer[] = []
  for (;;) {
    const lines = Buffer.concat(chunks).toString().split('\n')
    if (lines.length > count) return lines.slice(0, -1)
    const { bytesRead, buffer } = await reader.read(Buffer.alloc(65_536)).catch(wouldBlock)
    if (bytesRead > 0) chunks.push(buffer.subarray(0, bytesRead))
    else await delay(2)
  }
}

function wouldBlock(error: NodeJS.ErrnoException): { readonly bytesRead: number; readonly buffer: Buffer } {
  if (error.code === 'EAGAIN') return { bytesRead: 0, buffer: Buffer.alloc(0) }
  throw error
}

function linesOf(path: string): readonly string[] {
  const text = readFileSync(path, 'utf8')
  assert.ok(text === '' || text.endsWith('\n'), 'the last line has ended')
  return text.split('\n').slice(0, -1)
}

function sequencesOf(lines: readonly string[]): readonly number[] {
  return lines.map((line) => JSON.parse(line).sequence)
}

test('a file is made with mode 0600, and gets one valid line an entry, in order', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  const audit = await recording(t, file(path))
  await Promise.all([audit.record(DRAFT), audit.record({ ...DRAFT, type: 'response' }), audit.record(DRAFT)])
  await audit.record(DRAFT)
  assert.equal((await stat(path)).mode & 0o777, 0o600)
  const lines = linesOf(path)
  assert.deepEqual(sequencesOf(lines), [1, 2, 3, 4])
  for (const line of lines) assertEntry(JSON.parse(line))
})

test('an entry stands in the file once its promise has resolved', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  const audit = await recording(t, file(path))
  for (let sequence = 1; sequence <= 5; sequence++) {
    await audit.record(DRAFT)
    assert.equal(linesOf(path).length, sequence)
  }
})

test('what stood in the file stays', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  await writeFile(path, '{"before":1}\n', { mode: 0o600 })
  const audit = await recording(t, file(path))
  await audit.record(DRAFT)
  assert.equal(linesOf(path)[0], '{"before":1}')
  assert.equal(linesOf(path).length, 2)
})

test('a line that a killed process left torn does not swallow the first entry', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  await writeFile(path, '{"torn":', { mode: 0o600 })
  const audit = await recording(t, file(path))
  await audit.record(DRAFT)
  const [torn, entry, ...more] = linesOf(path)
  assert.deepEqual([torn, more], ['{"torn":', []])
  assertEntry(JSON.parse(entry ?? ''))
})

test('newlines and separators in a value never break a line', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  const audit = await recording(t, file(path))
  const nasty = 'a\nb\r\nc\u2028d\u2029e\u0000f\u001b[2Jg"h\\'
  await audit.record({ ...DRAFT, request: { ...DRAFT.request, path: nasty, data: { [nasty]: nasty } } })
  await audit.record(DRAFT)
  const [first, second, ...more] = linesOf(path)
  assert.equal(more.length, 0)
  assert.equal(JSON.parse(first ?? '').request.path, nasty)
  assert.equal(JSON.parse(second ?? '').sequence, 2)
})

test('two gateways on one file tear none of their lines', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  const [one, other] = await Promise.all([recording(t, file(path)), recording(t, file(path))])
  const writes = Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? one : other).record(large(20_000)))
  await Promise.all(writes)
  for (const line of linesOf(path)) assertEntry(JSON.parse(line))
  assert.equal(linesOf(path).length, 40)
})

test('a file that is truncated by a rotation is written on from its start', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  const audit = await recording(t, file(path))
  await audit.record(DRAFT)
  await truncate(path)
  await audit.record(DRAFT)
  assert.deepEqual(sequencesOf(linesOf(path)), [2])
})

test('a file that is renamed is still the one that is written', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  const audit = await recording(t, file(path))
  await audit.record(DRAFT)
  await rename(path, `${path}.1`)
  await audit.record(DRAFT)
  assert.deepEqual(sequencesOf(linesOf(`${path}.1`)), [1, 2])
})

for (const mode of [0o620, 0o602, 0o666]) {
  test(`a file that others may write to, by mode ${mode.toString(8)}, is refused and stays as it is`, async (t) => {
    const path = join(await folderFor(t), 'audit.jsonl')
    await writeFile(path, 'kept\n')
    await chmod(path, mode)
    await assert.rejects(recording(t, file(path)), unusable(/write to .*audit\.jsonl.*chmod go-w/))
    assert.equal(await readFile(path, 'utf8'), 'kept\n')
    assert.equal((await stat(path)).mode & 0o777, mode)
  })
}

test('a link is refused, and what to do is said', async (t) => {
  const folder = await folderFor(t)
  await writeFile(join(folder, 'target'), '', { mode: 0o600 })
  await symlink('target', join(folder, 'audit'))
  await assert.rejects(recording(t, file(join(folder, 'audit'))), unusable(/symbolic link.*give the path/))
})

test('a folder, a missing folder and a FIFO that nobody reads are refused, and told by path', async (t) => {
  const folder = await folderFor(t)
  await mkdir(join(folder, 'folder'))
  const fifo = await fifoIn(t)
  await assert.rejects(recording(t, file(join(folder, 'folder'))), unusable(/folder/))
  await assert.rejects(
    recording(t, file(join(folder, 'missing', 'audit'))),
    unusable(/ENOENT.*missing|missing.*(folder|exist)/),
  )
  await assert.rejects(recording(t, file(fifo)), unusable(/fifo has no reader.*start what reads/))
})

test('a full disk refuses the request with the code of the system, and the process goes on', async (t) => {
  const audit = await recording(t, file('/dev/full'))
  for (let i = 0; i < 3; i++) {
    await assert.rejects(audit.record(DRAFT) as Promise<void>, (error: Error & { code: string; phase: string }) => {
      assert.equal(error.code, 'ERR_PORTCULLIS_AUDIT_FAILED')
      assert.equal(error.phase, 'request')
      assert.match(error.message, /ENOSPC/)
      assert.equal((error.cause as NodeJS.ErrnoException).code, 'ENOSPC')
      return true
    })
  }
  assert.deepEqual([audit.counters()[0]?.accepted, audit.counters()[0]?.failed], [0, 3])
})

test('a FIFO whose reader reads gets whole lines, however large', async (t) => {
  const path = await fifoIn(t)
  const reader = await readerOf(t, path)
  const audit = await recording(t, file(path, { timeoutMs: 20_000 }))
  const written = [audit.record(large(200_000)), audit.record(DRAFT), audit.record(large(100))]
  const lines = await linesFrom(reader, 3)
  await Promise.all(written)
  assert.deepEqual(sequencesOf(lines), [1, 2, 3])
})

test('a FIFO whose reader stalls is refused in time, blocks nothing, and is closed in time', async (t) => {
  const path = await fifoIn(t)
  await readerOf(t, path)
  const audit = await recording(t, file(path, { timeoutMs: 150 }))
  const alive = setInterval(() => {}, 10)
  t.after(() => clearInterval(alive))
  const startedMs = performance.now()
  const first = audit.record(large(300_000)) as Promise<void>
  await assert.rejects(first, { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT' })
  await assert.rejects(audit.record(DRAFT) as Promise<void>, { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT' })
  await readFile(import.meta.filename)
  await audit.close()
  const tookMs = performance.now() - startedMs
  assert.ok(tookMs >= 140 && tookMs < 5_000, `took ${tookMs} ms`)
})

test('a FIFO whose reader wakes up is written on, without torn lines', async (t) => {
  const path = await fifoIn(t)
  const reader = await readerOf(t, path)
  const audit = await recording(t, file(path, { timeoutMs: 100 }))
  const alive = setInterval(() => {}, 10)
  t.after(() => clearInterval(alive))
  await assert.rejects(audit.record(large(300_000)) as Promise<void>, { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT' })
  await linesFrom(reader, 1)
  await delay(50)
  await audit.record(DRAFT)
  assert.deepEqual(sequencesOf(await linesFrom(reader, 1)), [2])
})

test('a FIFO whose reader leaves in mid-line fails; for the next reader entries start a line', async (t) => {
  const path = await fifoIn(t)
  const first = await readerOf(t, path)
  const audit = await recording(t, file(path, { timeoutMs: 5_000 }))
  const torn = assert.rejects(audit.record(large(300_000)) as Promise<void>, { code: 'ERR_PORTCULLIS_AUDIT_FAILED' })
  while ((await first.read(Buffer.alloc(1000)).catch(wouldBlock)).bytesRead === 0) await delay(2)
  await first.close()
  await torn
  const second = await readerOf(t, path)
  // The pipe keeps what the first reader left: the rest of a line that was never finished.
  const [lines] = await Promise.all([linesFrom(second, 2), audit.record(DRAFT)])
  assert.deepEqual(sequencesOf(lines.slice(1)), [2])
})

test('an entry being written keeps no promise waiting for ever when the device is closed', async (t) => {
  const path = await fifoIn(t)
  await readerOf(t, path)
  const { device } = file(path)
  await device.open()
  const write = device.write([{ entry: {} as never, line: () => 'x'.repeat(300_000) }]) as Promise<void>
  const failed = assert.rejects(write, Error)
  const alive = setInterval(() => {}, 10)
  t.after(() => clearInterval(alive))
  await device.close()
  await device.close()
  await failed
})

test('a script that has nothing else to do learns of a stalled FIFO, and ends', async (t) => {
  const path = await fifoIn(t)
  await readerOf(t, path)
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ['-C', 'portcullis-source', '--input-type=module', '-e', SCRIPT, path],
    { cwd: new URL('../..', import.meta.url), timeout: 20_000 },
  )
  assert.deepEqual(stdout.trim().split('\n'), ['ERR_PORTCULLIS_AUDIT_TIMEOUT', 'closed'])
})

const SCRIPT = `
  const { createAudit } = await import(process.cwd() + '/lib/audit/audit.ts')
  const { createHasher } = await import(process.cwd() + '/lib/audit/hasher.ts')
  const { NO_DIAGNOSTICS } = await import(process.cwd() + '/lib/ports/diagnostics.ts')
  const { NO_TELEMETRY } = await import(process.cwd() + '/lib/ports/telemetry.ts')
  const { file } = await import(process.cwd() + '/lib/system/audit-file.ts')
  const { systemClock } = await import(process.cwd() + '/lib/system/clock.ts')
  const audit = await createAudit({
    devices: [file(process.argv[1], { timeoutMs: 100 })],
    hasher: createHasher(new Uint8Array(16)),
    clock: systemClock,
    instance: 'i',
    telemetry: NO_TELEMETRY,
    diagnostics: NO_DIAGNOSTICS,
  })
  const request = { id: 'r', operation: 'read', namespace: { path: '' }, path: 'x'.repeat(300_000) }
  const decision = { effect: 'allow', reason: 'rule', policy: 'p', rule: 'r', message: 'allowed' }
  const draft = { type: 'request', caller: { attributes: {} }, decision, request }
  await audit.record(draft).catch((error) => console.log(error.code))
  await audit.close()
  console.log('closed')
`

test('options of file() are checked, and named', () => {
  assert.throws(() => file(''), { name: 'TypeError', message: /path/ })
  assert.throws(() => file(undefined as never), { name: 'TypeError', message: /path/ })
  assert.throws(() => file('a', { timeoutms: 1 } as never), { name: 'TypeError', message: /no option "timeoutms"/ })
  assert.throws(() => file('a', { timeoutMs: 0 }), { name: 'RangeError', message: /timeoutMs/ })
  assert.throws(() => file('a', { queueSize: 0 }), { name: 'RangeError', message: /queueSize/ })
  assert.throws(() => file('a', { required: 'no' as never }), { name: 'TypeError', message: /required/ })
  assert.equal(file('a').required, true)
})

function unusable(message: RegExp): object {
  return { code: 'ERR_PORTCULLIS_AUDIT_UNUSABLE', phase: 'start', message }
}
