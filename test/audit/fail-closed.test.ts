import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { constants, writeSync } from 'node:fs'
import { type FileHandle, open, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { createGateway } from '../../lib/gateway.ts'
import type { DeviceHealth, Gateway } from '../../lib/model/gateway.ts'
import type { AuditDeviceOptions } from '../../lib/ports/audit-device.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { file } from '../../lib/system/audit-file.ts'
import { findPlanted, plantSecrets } from '../../lib/testing/planted-secrets.ts'
import { answerWith } from '../../lib/testing/scripted-transport.ts'
import { counting, policy, readable, ServerDouble } from '../pipeline/support.ts'
import { assertEntry } from '../support/entry-schema.ts'
import { folderFor } from '../system/folder.ts'

const PLANTED = plantSecrets(['password', 'lease', 'sent'])

interface Opened {
  readonly gateway: Gateway
  readonly server: ServerDouble
  readonly warnings: string[]
}

/** A gateway with real devices on the machine's clock, over a server that mints a credential. */
async function opened(t: TestContext, ...devices: AuditDeviceOptions[]): Promise<Opened> {
  const minted = answerWith({
    leaseId: `database/creds/app/${PLANTED.lease}`,
    leaseDurationMs: 60_000,
    renewable: true,
    data: { username: 'app', password: PLANTED.password },
  })
  const server = new ServerDouble({
    'read database/creds/app': minted,
    'write auth/token/revoke-self': answerWith({ status: 204 }),
  })
  const gateway = await createGateway(
    {
      auth: counting(),
      server,
      policies: [policy('test', [readable('database/creds/app')])],
      caller: { service: 'orders' },
      audit: { devices, key: new Uint8Array(32).fill(3) },
    },
    { telemetry: NO_TELEMETRY, environment: {} },
  )
  t.after(() => gateway.close())
  const warnings: string[] = []
  gateway.on('warning', ({ message, fields }) => warnings.push(`${message} ${JSON.stringify(fields)}`))
  return { gateway, server, warnings }
}

/** A FIFO whose reader has stalled: it is there, reads nothing, and the pipe is full. */
async function stalledFifo(t: TestContext): Promise<{ readonly path: string; readonly reader: FileHandle }> {
  const path = join(await folderFor(t), 'fifo')
  await promisify(execFile)('mkfifo', ['-m', '600', path])
  const reader = await open(path, constants.O_RDONLY | constants.O_NONBLOCK)
  const filler = await open(path, constants.O_WRONLY | constants.O_NONBLOCK)
  t.after(() => Promise.all([reader.close(), filler.close()]))
  for (const size of [4096, 1]) fill(filler.fd, size)
  return { path, reader }
}

function fill(fd: number, size: number): void {
  const bytes = Buffer.alloc(size, ' ')
  try {
    for (;;) writeSync(fd, bytes)
  } catch (error) {
    assert.equal((error as NodeJS.ErrnoException).code, 'EAGAIN')
  }
}

/** Keeps the process alive while only timers of the library wait, as the sockets of a service do. */
function staysAlive(t: TestContext): void {
  const alive = setInterval(() => {}, 1_000)
  t.after(() => clearInterval(alive))
}

/** The devices, once the first has nothing under way. */
async function settled(gateway: Gateway): Promise<readonly DeviceHealth[]> {
  for (;;) {
    const { audit } = await gateway.health()
    if (audit[0]?.waiting === 0) return audit
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

test('a required device that is full refuses the request, and nothing is sent', async (t) => {
  const { gateway, server } = await opened(t, file('/dev/full'))
  await assert.rejects(gateway.read('database/creds/app'), { code: 'ERR_PORTCULLIS_AUDIT_FAILED', phase: 'request' })
  assert.deepEqual(server.sent(), [])
})

test('a required device that stalls refuses the request within its time limit, and nothing is sent', async (t) => {
  staysAlive(t)
  const { path } = await stalledFifo(t)
  const { gateway, server } = await opened(t, file(path, { timeoutMs: 100 }))
  const startedMs = performance.now()
  await assert.rejects(gateway.read('database/creds/app'), { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT', phase: 'request' })
  const tookMs = performance.now() - startedMs
  assert.ok(tookMs >= 95 && tookMs < 5_000, `took ${tookMs} ms`)
  assert.deepEqual(server.sent(), [])
})

test('requests go on as soon as a stalled device takes entries again', async (t) => {
  staysAlive(t)
  const { path, reader } = await stalledFifo(t)
  const { gateway, server } = await opened(t, file(path, { timeoutMs: 100 }))
  await assert.rejects(gateway.read('database/creds/app'), { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT' })
  await reader.read(Buffer.alloc(1024 * 1024))
  let data: unknown
  for (let tries = 0; data === undefined && tries < 50; tries++) {
    data = await gateway.read('database/creds/app').then(
      (answer) => answer.data,
      (error: { readonly code: string }) => assert.equal(error.code, 'ERR_PORTCULLIS_AUDIT_TIMEOUT'),
    )
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
  assert.deepEqual(data, { username: 'app', password: PLANTED.password })
  assert.equal(server.count('read database/creds/app'), 1)
})

test('a best-effort device that fails or stalls: requests are served, losses counted and said', async (t) => {
  staysAlive(t)
  const { path } = await stalledFifo(t)
  const { gateway, server, warnings } = await opened(
    t,
    file('/dev/full', { required: false }),
    file(path, { required: false, timeoutMs: 100, queueSize: 2 }),
  )
  for (let i = 0; i < 4; i++) assert.equal((await gateway.read('database/creds/app')).data.username, 'app')
  assert.equal(server.count('read database/creds/app'), 1)
  // Request and answer of the first read, and one entry for each of three hits.
  const [full, stalled] = await settled(gateway)
  assert.deepEqual([full?.accepted, full?.dropped], [0, 5])
  assert.deepEqual([stalled?.accepted, stalled?.waiting, stalled?.dropped], [0, 2, 3])
  await gateway.close()
  assert.ok(warnings.some((warning) => warning.includes('/dev/full') && warning.includes('ENOSPC')))
  assert.ok(warnings.some((warning) => warning.includes(path)))
})

test('a required device beside a best-effort one that stalls loses nothing, and every line is valid', async (t) => {
  staysAlive(t)
  const fifo = await stalledFifo(t)
  const path = join(await folderFor(t), 'audit.jsonl')
  const { gateway } = await opened(t, file(fifo.path, { required: false, timeoutMs: 100 }), file(path))
  await gateway.read('database/creds/app')
  await gateway.read('database/creds/app')
  await assert.rejects(gateway.read('database/creds/other'), { code: 'ERR_PORTCULLIS_POLICY_DENIED' })
  await assert.rejects(gateway.write('database/creds/app', { note: PLANTED.sent }))
  await gateway.close()
  const text = await readFile(path, 'utf8')
  const entries = text
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))
  for (const entry of entries) assertEntry(entry)
  assert.deepEqual(
    entries.map(({ sequence }) => sequence),
    entries.map((_, index) => index + 1),
  )
  assert.ok(entries.length >= 5)
  assert.deepEqual(findPlanted(text, PLANTED), [])
  assert.ok(!text.includes('s.1'), 'no token')
})

test('two required devices: one that is full is enough to refuse', async (t) => {
  const path = join(await folderFor(t), 'audit.jsonl')
  const { gateway, server } = await opened(t, file(path), file('/dev/full'))
  await assert.rejects(gateway.read('database/creds/app'), {
    code: 'ERR_PORTCULLIS_AUDIT_FAILED',
    device: 'file:/dev/full',
  })
  assert.deepEqual(server.sent(), [])
})
