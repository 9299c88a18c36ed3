import assert from 'node:assert/strict'
import { Buffer } from 'node:buffer'
import { spawnSync } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { closeSync, constants, openSync, readSync } from 'node:fs'
import { createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import { PassThrough, Writable } from 'node:stream'
import { type TestContext, test } from 'node:test'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Audit, createAudit } from '../../lib/audit/audit.ts'
import { callback } from '../../lib/audit/function-device.ts'
import type { AuditEntry, AuditGap } from '../../lib/model/audit-entry.ts'
import type { AuditDeviceOptions } from '../../lib/ports/audit-device.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { file } from '../../lib/system/audit-file.ts'
import { stream } from '../../lib/system/audit-stream.ts'
import { type SyslogOptions, syslog } from '../../lib/system/audit-syslog.ts'
import { systemClock } from '../../lib/system/clock.ts'
import { DRAFT, HASHER, heard, shown } from '../audit/support.ts'
import { checked } from '../support/checked-device.ts'
import { folderFor } from './folder.ts'

/** An audit over one device, by the real clock. */
async function audited(
  t: TestContext,
  device: AuditDeviceOptions,
): Promise<{ readonly audit: Audit; readonly warnings: readonly unknown[] }> {
  const diagnostics = heard()
  const audit = await createAudit({
    devices: [checked(device)],
    ...{ hasher: HASHER, clock: systemClock, instance: 'i', telemetry: NO_TELEMETRY, diagnostics },
  })
  t.after(() => audit.close())
  return { audit, warnings: diagnostics.warnings }
}

/** A message of RFC 5424, taken apart. */
interface Message {
  readonly head: string
  readonly entry: AuditEntry | AuditGap
}

function parsed(text: string): Message {
  const [, head = '', json = ''] = /^(<\d+>1 \S+ \S+ \S+ \S+ \S+ -) (\{.*\})$/s.exec(text) ?? []
  assert.notEqual(json, '', `no message of RFC 5424: ${text.slice(0, 200)}`)
  return { head, entry: JSON.parse(json) }
}

/** A receiver of octet-counted messages, on a port or a unix socket. */
class Receiver {
  readonly messages: Message[] = []
  readonly sockets = new Set<Socket>()
  connections = 0
  isReading = true
  readonly #server = createServer((socket) => this.#accept(socket))

  async listen(t: TestContext, path?: string): Promise<SyslogOptions> {
    this.#server.listen(path === undefined ? { port: 0, host: '127.0.0.1' } : { path })
    await once(this.#server, 'listening')
    t.after(() => {
      for (const socket of this.sockets) socket.destroy()
      this.#server.close()
    })
    const address = this.#server.address()
    return typeof address === 'object' && address !== null ? { port: address.port } : { path: path ?? '' }
  }

  read(): void {
    this.isReading = true
    for (const socket of this.sockets) socket.resume()
  }

  shown(): readonly (number | string)[] {
    return this.messages.map(({ entry }) => shown(entry))
  }

  #accept(socket: Socket): void {
    this.connections += 1
    this.sockets.add(socket)
    socket.on('error', () => {})
    socket.on('close', () => this.sockets.delete(socket))
    let rest = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk])
      for (;;) {
        const space = rest.indexOf(' ')
        if (space < 0) return
        const end = space + 1 + Number(rest.subarray(0, space).toString())
        if (rest.length < end) return
        this.messages.push(parsed(rest.subarray(space + 1, end).toString()))
        rest = rest.subarray(end)
      }
    })
    if (!this.isReading) socket.pause()
  }
}

async function until(isTrue: () => boolean): Promise<void> {
  for (let waitedMs = 0; !isTrue(); waitedMs += 10) {
    assert.ok(waitedMs < 20_000, 'it did not come about in time')
    await sleep(10)
  }
}

const LONG = { ...DRAFT, request: { ...DRAFT.request, path: `kv/${'x'.repeat(200_000)}` } }

for (const kind of ['tcp', 'a unix socket'] as const) {
  test(`over ${kind} each entry is one message of RFC 5424, framed by its length, with severity by what became of it`, async (t) => {
    const receiver = new Receiver()
    const target = await receiver.listen(t, kind === 'tcp' ? undefined : join(await folderFor(t), 'syslog.sock'))
    const { audit } = await audited(t, syslog({ ...target, required: true, appName: 'or ders' }))
    await audit.record({ ...DRAFT, caller: { ...DRAFT.caller, attributes: { service: 'ü\n' } } })
    await audit.record({ ...DRAFT, error: 'ERR_PORTCULLIS_SERVER_FAILED: it failed' })
    await until(() => receiver.messages.length === 2)
    assert.match(receiver.messages[0]?.head ?? '', /^<110>1 \d{4}-.*Z \S+ orders \d+ request -$/)
    assert.match(receiver.messages[1]?.head ?? '', /^<108>1 /)
    const [first] = receiver.messages
    assert.deepEqual(first?.entry.type === 'request' && first.entry.caller, { service: 'ü\n' })
    assert.equal(receiver.connections, 1)
  })
}

test('over UDP each entry is a datagram; one that is too long is a gap that is told', async (t) => {
  const socket = createSocket('udp4')
  const got: Message[] = []
  socket.on('message', (message) => void got.push(parsed(message.toString())))
  socket.bind(0, '127.0.0.1')
  await once(socket, 'listening')
  t.after(() => socket.close())
  const { audit, warnings } = await audited(t, syslog({ protocol: 'udp', port: socket.address().port, facility: 1 }))
  const record = async (draft: typeof DRAFT, count: number): Promise<void> => {
    assert.equal(audit.record(draft), undefined)
    await until(() => got.length === count || warnings.length > count - 1)
  }
  await record(DRAFT, 1)
  await record(LONG, 1)
  await until(() => audit.counters()[0]?.dropped === 1)
  await record(DRAFT, 3)
  await until(() => got.length === 3)
  assert.deepEqual(
    got.map(({ entry }) => shown(entry)),
    [1, 'gap 1 from 2 to 2', 3],
  )
  assert.match(got[1]?.head ?? '', /^<12>1 .* gap -$/)
  assert.equal(warnings.length, 1)
})

test('without a receiver the gateway starts, a required device refuses in time, and works as soon as there is one', async (t) => {
  const path = join(await folderFor(t), 'syslog.sock')
  const { audit } = await audited(t, syslog({ path, required: true, timeoutMs: 500 }))
  await assert.rejects(async () => audit.record(DRAFT), { code: 'ERR_PORTCULLIS_AUDIT_FAILED', message: /\(ENOENT\)/ })
  const receiver = new Receiver()
  await receiver.listen(t, path)
  await audit.record(DRAFT)
  await until(() => receiver.messages.length === 1)
})

test('a receiver that goes is connected to anew', async (t) => {
  const receiver = new Receiver()
  const { audit } = await audited(t, syslog({ ...(await receiver.listen(t)), required: true }))
  await audit.record(DRAFT)
  await until(() => receiver.messages.length === 1)
  for (const socket of receiver.sockets) socket.end()
  await until(() => receiver.sockets.size === 0)
  await until(() => {
    void Promise.resolve(audit.record(DRAFT)).catch(() => {})
    return receiver.messages.length > 1
  })
  assert.ok(receiver.connections >= 2)
})

test('a syslog receiver that stalls: required refuses in time, and its next entry goes over a new connection', async (t) => {
  const receiver = new Receiver()
  receiver.isReading = false
  const { audit } = await audited(t, syslog({ ...(await receiver.listen(t)), required: true, timeoutMs: 200 }))
  let refusal: unknown
  for (let at = 0; at < 200 && refusal === undefined; at += 1) {
    const startedAt = performance.now()
    await audit.record(LONG)?.catch((error: unknown) => {
      refusal = error
      assert.ok(performance.now() - startedAt < 5_000, 'refused in time')
    })
  }
  assert.equal((refusal as { code?: string } | undefined)?.code, 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
  receiver.isReading = true
  for (let tries = 0; (await accepts(audit)) === false; tries += 1) {
    assert.ok(tries < 200)
    await sleep(20)
  }
  await until(() => receiver.messages.length > 0)
})

async function accepts(audit: Audit): Promise<boolean> {
  try {
    await audit.record(DRAFT)
    return true
  } catch {
    return false
  }
}

test('a syslog receiver that stalls: best effort holds nobody up, and a marker tells the gap when it reads again', async (t) => {
  const receiver = new Receiver()
  receiver.isReading = false
  const target = await receiver.listen(t)
  const { audit } = await audited(t, syslog({ ...target, timeoutMs: 30_000, queueSize: 5 }))
  const dropped = (): number => audit.counters()[0]?.dropped ?? 0
  for (let at = 0; at < 500 && dropped() === 0; at += 1) {
    assert.equal(audit.record(LONG), undefined)
    await sleep(1)
  }
  assert.ok(dropped() > 0)
  receiver.read()
  await until(() => audit.counters()[0]?.waiting === 0)
  void audit.record(DRAFT)
  const gaps = (): readonly AuditGap[] =>
    receiver.messages.flatMap(({ entry }) => (entry.type === 'gap' ? [entry] : []))
  await until(() => gaps().length > 0)
  assert.equal(
    gaps().reduce((sum, { gap }) => sum + gap.count, 0),
    dropped(),
  )
})

/** A stream whose writes are let go by the test. */
function heldStream(): { readonly writable: Writable; readonly written: string[]; let(): void } {
  const written: string[] = []
  const held: (() => void)[] = []
  let isOpen = false
  const writable = new Writable({
    write(chunk: Buffer, _, done): void {
      const go = (): void => {
        written.push(chunk.toString())
        done()
      }
      if (isOpen) go()
      else held.push(go)
    },
  })
  return {
    ...{ writable, written },
    let(): void {
      isOpen = true
      for (const go of held.splice(0)) go()
    },
  }
}

test('a stream gets lines of JSON, is not ended, and one that fails refuses without ending the process', async (t) => {
  const through = new PassThrough()
  const { audit } = await audited(t, stream('out', through))
  await audit.record(DRAFT)
  await audit.record(DRAFT)
  const lines = String(through.read()).trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => shown(JSON.parse(line))),
    [1, 2],
  )
  through.destroy(new Error('secret words'))
  await assert.rejects(
    async () => audit.record(DRAFT),
    (error: Error) => !error.message.includes('secret words') && error.name === 'AuditError',
  )
  const open = new PassThrough()
  const second = await audited(t, stream('out', open))
  await second.audit.close()
  assert.equal(open.writableEnded, false)
  const ended = new PassThrough().end()
  await assert.rejects(audited(t, stream('out', ended)), { code: 'ERR_PORTCULLIS_AUDIT_UNUSABLE' })
})

test('a stream that stalls: required refuses in time, and takes entries again', async (t) => {
  const held = heldStream()
  const { audit } = await audited(t, stream('held', held.writable, { timeoutMs: 100 }))
  await assert.rejects(async () => audit.record(DRAFT), { code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT' })
  held.let()
  await until(() => audit.failing().length === 0 || audit.counters()[0]?.waiting === 0)
  await audit.record(DRAFT)
})

test('a stream that stalls: best effort holds nobody up, and a marker tells the gap when it goes on', async (t) => {
  const held = heldStream()
  const { audit } = await audited(t, stream('held', held.writable, { required: false, queueSize: 2 }))
  for (let at = 0; at < 5; at += 1) {
    assert.equal(audit.record(DRAFT), undefined)
    await sleep(1)
  }
  held.let()
  await until(() => audit.counters()[0]?.waiting === 0)
  await audit.close()
  const lines = held.written.join('').trimEnd().split('\n')
  assert.deepEqual(
    lines.map((line) => shown(JSON.parse(line))),
    [1, 2, 'gap 3 from 3 to 5'],
  )
})

test('a function that stalls: required refuses in time; best effort holds nobody up, and a marker tells the gap', async (t) => {
  const never = callback('never', () => new Promise(() => {}), { timeoutMs: 100 })
  await assert.rejects(async () => (await audited(t, never)).audit.record(DRAFT), {
    code: 'ERR_PORTCULLIS_AUDIT_TIMEOUT',
  })
  const { promise, resolve } = Promise.withResolvers<void>()
  const got: (number | string)[] = []
  const write = async (entry: AuditEntry | AuditGap): Promise<void> => {
    await promise
    got.push(shown(entry))
  }
  const { audit } = await audited(t, callback('slow', write, { required: false, queueSize: 1 }))
  for (let at = 0; at < 3; at += 1) assert.equal(audit.record(DRAFT), undefined)
  resolve()
  await until(() => got.length === 2)
  assert.deepEqual(got, [1, 'gap 2 from 2 to 3'])
})

test('a file whose reader stalls: best effort holds nobody up, and a marker tells the gap when it is read again', {
  skip: process.platform === 'win32' && 'no FIFO',
}, async (t) => {
  const path = join(await folderFor(t), 'audit.fifo')
  spawnSync('mkfifo', [path])
  const fd = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK)
  t.after(() => closeSync(fd))
  const { audit } = await audited(t, file(path, { required: false, timeoutMs: 30_000, queueSize: 3 }))
  const dropped = (): number => audit.counters()[0]?.dropped ?? 0
  for (let at = 0; at < 100 && dropped() === 0; at += 1) {
    assert.equal(audit.record(LONG), undefined)
    await sleep(1)
  }
  assert.ok(dropped() > 0)
  let text = ''
  const buffer = Buffer.alloc(1 << 16)
  const drain = (): void => {
    try {
      for (let count = readSync(fd, buffer); count > 0; count = readSync(fd, buffer))
        text += buffer.toString('latin1', 0, count)
    } catch {
      // Nothing is there yet.
    }
  }
  await until(() => {
    drain()
    return text.includes('"type":"gap"') && text.endsWith('\n')
  })
  const gaps = text
    .trimEnd()
    .split('\n')
    .flatMap((line) => {
      const entry = JSON.parse(line) as AuditEntry | AuditGap
      return entry.type === 'gap' ? [entry.gap.count] : []
    })
  assert.equal(
    gaps.reduce((sum, count) => sum + count, 0),
    dropped(),
  )
})

test('what a device of these cannot be is refused by its name', () => {
  assert.throws(() => syslog({ protocol: 'udp', required: true }), { code: 'ERR_PORTCULLIS_AUDIT_UNUSABLE' })
  assert.throws(() => syslog({ path: '/run/s', port: 1 }), { name: 'TypeError', message: /path goes without/ })
  assert.throws(() => syslog({ protocol: 'tls' as never }), { name: 'TypeError' })
  assert.throws(() => syslog({ facility: 24 }), { name: 'RangeError', message: /facility/ })
  assert.throws(() => syslog({ ports: 1 } as never), { name: 'TypeError', message: /no option "ports"/ })
  assert.throws(() => stream('', process.stdout), { name: 'TypeError' })
  assert.throws(() => stream('out', {} as never), { name: 'TypeError', message: /writable stream/ })
})
