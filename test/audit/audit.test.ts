import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { type Audit, type AuditDeps, createAudit } from '../../lib/audit/audit.ts'
import { AuditError } from '../../lib/errors/index.ts'
import type { AuditEntry } from '../../lib/model/audit-entry.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord } from '../../lib/ports/audit-device.ts'
import { NO_DIAGNOSTICS } from '../../lib/ports/diagnostics.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { assertEntry } from '../support/entry-schema.ts'
import { counting, DRAFT, HASHER, HeldDevice, heard, listed, stateOf } from './support.ts'

interface Bench {
  readonly audit: Audit
  readonly clock: FakeClock
}

async function bench(t: TestContext, devices: readonly AuditDeviceOptions[], deps: Partial<AuditDeps> = {}) {
  const clock = new FakeClock()
  const audit = await createAudit({
    ...{ devices, clock, hasher: HASHER, instance: 'instance-1' },
    ...{ telemetry: NO_TELEMETRY, diagnostics: NO_DIAGNOSTICS, ...deps },
  })
  t.after(async () => {
    const closing = audit.close()
    await clock.advance(10_000)
    await closing
  })
  return { audit, clock } satisfies Bench
}

/** A device that accepts at once and keeps what it got. */
class KeepingDevice implements AuditDevice {
  readonly name: string
  readonly records: AuditRecord[] = []
  readonly calls: string[] = []

  constructor(name = 'keeping') {
    this.name = name
  }

  async open(): Promise<void> {
    this.calls.push('open')
  }

  write(records: readonly AuditRecord[]): void {
    this.records.push(...records)
  }

  async close(): Promise<void> {
    this.calls.push('close')
  }

  get entries(): readonly AuditEntry[] {
    return this.records.map(({ entry }) => entry as AuditEntry)
  }
}

test('an entry says time, instance, sequence, caller, decision and request, and is valid', async (t) => {
  const device = new KeepingDevice()
  const { audit } = await bench(t, [listed(device)])
  await audit.record(DRAFT)
  const [entry] = device.entries
  assert.deepEqual(entry, {
    time: '2026-01-01T00:00:00.000Z',
    type: 'request',
    instance: 'instance-1',
    sequence: 1,
    caller: { service: 'orders' },
    decision: { effect: 'allow', reason: 'rule', policy: 'orders', rule: 'db' },
    request: { id: 'r-1', operation: 'read', namespace: { path: '' }, path: 'database/creds/orders' },
  })
  assertEntry(entry)
})

test('what a draft has beyond that stands in the entry too; the message of the decision does not', async (t) => {
  const device = new KeepingDevice()
  const { audit } = await bench(t, [listed(device)])
  const hmac = HASHER.value('x')
  const extra = {
    auth: { client_token: hmac, accessor: hmac },
    response: { source: 'server', status: 403 },
    error: 'ERR_PORTCULLIS_SERVER_FORBIDDEN: refused',
    trace: { trace_id: 'ab'.repeat(16), span_id: 'cd'.repeat(8) },
  } as const
  const decision = {
    ...({ effect: 'deny', reason: 'request-schema', policy: undefined, rule: undefined } as const),
    ...{ message: 'not written', pointer: '/data/ttl', keyword: 'maximum' },
  }
  await audit.record({ ...DRAFT, ...extra, type: 'response', decision })
  const [entry] = device.entries
  const { auth, response, error, trace } = entry as AuditEntry
  assert.deepEqual({ auth, response, error, trace }, extra)
  const expected = { effect: 'deny', reason: 'request-schema', pointer: '/data/ttl', keyword: 'maximum' }
  assert.deepEqual(entry?.decision, expected)
  assertEntry(entry)
})

test('sequence numbers are given in the order of the calls, and reach every device in that order', async (t) => {
  const [one, other] = [new KeepingDevice('one'), new KeepingDevice('other')]
  const { audit } = await bench(t, [listed(one), listed(other, { required: false })])
  await Promise.all(Array.from({ length: 50 }, () => audit.record(DRAFT)))
  const expected = Array.from({ length: 50 }, (_, index) => index + 1)
  for (const device of [one, other]) {
    assert.deepEqual(
      device.entries.map(({ sequence }) => sequence),
      expected,
    )
  }
})

test('all devices share one record, whose text is made once and has no newline', async (t) => {
  const [one, other] = [new KeepingDevice('one'), new KeepingDevice('other')]
  const { audit } = await bench(t, [listed(one), listed(other)])
  let reads = 0
  const request = { ...DRAFT.request, path: 'a\nb\u2028c' }
  Object.defineProperty(request, 'id', { enumerable: true, get: () => `r-${++reads}` })
  await audit.record({ ...DRAFT, request })
  assert.equal(one.records[0], other.records[0])
  const texts = [one.records[0]?.line(), other.records[0]?.line(), one.records[0]?.line()]
  assert.equal(new Set(texts).size, 1)
  assert.equal(reads, 1)
  assert.ok(!texts[0]?.includes('\n'))
})

test('the decision of an entry is written once for each decision', async (t) => {
  const device = new KeepingDevice()
  const { audit } = await bench(t, [listed(device)])
  await audit.record(DRAFT)
  await audit.record(DRAFT)
  await audit.record({ ...DRAFT, decision: { ...DRAFT.decision } })
  const [one, two, three] = device.entries.map(({ decision }) => decision)
  assert.equal(one, two)
  assert.notEqual(two, three)
})

test('the time of an entry is that of the wall clock, also when it is set back', async (t) => {
  const device = new KeepingDevice()
  const { audit, clock } = await bench(t, [listed(device)])
  await audit.record(DRAFT)
  clock.jumpWall(-60_000)
  await audit.record(DRAFT)
  assert.deepEqual(
    device.entries.map(({ time }) => time),
    ['2026-01-01T00:00:00.000Z', '2025-12-31T23:59:00.000Z'],
  )
})

test('with best-effort devices alone there is nothing to wait for', async (t) => {
  const { audit } = await bench(t, [listed(new HeldDevice(), { required: false })])
  assert.equal(audit.record(DRAFT), undefined)
})

test('an entry waits for every required device, and for no other', async (t) => {
  const [one, other, extra] = [new HeldDevice('one'), new HeldDevice('other'), new HeldDevice('extra')]
  const { audit, clock } = await bench(t, [listed(one), listed(extra, { required: false }), listed(other)])
  const entry = audit.record(DRAFT)
  await clock.advance(0)
  one.accept()
  assert.equal(await stateOf(entry), 'waits')
  other.accept()
  await entry
})

// What the first required device does, the second does, and what comes of the entry.
const MATRIX: readonly (readonly ['accepts' | 'fails' | 'stalls', 'accepts' | 'fails' | 'stalls', string])[] = [
  ['accepts', 'accepts', 'accepted'],
  ['accepts', 'fails', 'ERR_PORTCULLIS_AUDIT_FAILED'],
  ['fails', 'accepts', 'ERR_PORTCULLIS_AUDIT_FAILED'],
  ['fails', 'fails', 'ERR_PORTCULLIS_AUDIT_FAILED'],
  ['accepts', 'stalls', 'ERR_PORTCULLIS_AUDIT_TIMEOUT'],
  ['stalls', 'accepts', 'ERR_PORTCULLIS_AUDIT_TIMEOUT'],
  ['stalls', 'stalls', 'ERR_PORTCULLIS_AUDIT_TIMEOUT'],
]
for (const [first, second, outcome] of MATRIX) {
  test(`of two required devices one ${first}, one ${second}: ${outcome}`, async (t) => {
    const devices = [new HeldDevice('first'), new HeldDevice('second')] as const
    const { audit, clock } = await bench(t, [listed(devices[0]), listed(devices[1])])
    const entry = audit.record(DRAFT)
    await clock.advance(0)
    for (const [index, how] of [first, second].entries()) {
      if (how === 'accepts') devices[index]?.accept()
      if (how === 'fails') devices[index]?.fail()
    }
    const state = stateOf(entry)
    await clock.advance(1_000)
    assert.equal(await state.then((now) => (now === 'waits' ? stateOf(entry) : now)), outcome)
  })
}

test('a best-effort device that fails stops nothing, and is said and counted', async (t) => {
  const device = new HeldDevice('extra')
  const diagnostics = heard()
  const telemetry = counting()
  const { audit, clock } = await bench(t, [listed(device, { required: false })], { diagnostics, telemetry })
  for (let entry = 0; entry < 3; entry += 1) {
    assert.equal(audit.record(DRAFT), undefined)
    await clock.advance(0)
    device.fail()
    await clock.advance(0)
  }
  const message = 'an audit device does not take entries'
  assert.deepEqual(diagnostics.warnings, [{ message, device: 'extra', why: 'the device failed (ENOSPC)' }])
  assert.deepEqual(telemetry.counts, { 'portcullis.audit.entries dropped': 3, 'portcullis.audit.gaps': 3 })
  const [health] = audit.counters()
  assert.deepEqual(health, { name: 'extra', required: false, accepted: 0, failed: 0, dropped: 3, waiting: 0 })
})

test('accepted and refused entries are counted by outcome', async (t) => {
  const device = new HeldDevice()
  const telemetry = counting()
  const { audit, clock } = await bench(t, [listed(device)], { telemetry })
  for (const end of ['accept', 'accept', 'fail'] as const) {
    const entry = audit.record(DRAFT)
    await clock.advance(0)
    device[end]()
    await stateOf(entry)
  }
  assert.deepEqual(telemetry.counts, { 'portcullis.audit.entries accepted': 2, 'portcullis.audit.entries failed': 1 })
})

test('the marker of a gap is a valid entry', async (t) => {
  const device = new KeepingDevice()
  const write = device.write.bind(device)
  const { audit, clock } = await bench(t, [listed(device, { required: false })])
  device.write = () => assert.fail('no')
  void audit.record(DRAFT)
  await clock.advance(0)
  device.write = write
  void audit.record(DRAFT)
  await clock.advance(0)
  assert.equal(device.records.length, 2)
  for (const { entry } of device.records) assertEntry(entry)
})

test('a device that cannot be opened stops the start; those opened before it are closed', async (t) => {
  const [before, after] = [new KeepingDevice('before'), new KeepingDevice('after')]
  const broken = new KeepingDevice('broken')
  const cause = new Error('EACCES: permission denied')
  broken.open = () => Promise.reject(cause)
  await assert.rejects(bench(t, [listed(before), listed(broken), listed(after)]), (error) => {
    assert.ok(error instanceof AuditError)
    const { code, phase, device } = error
    assert.deepEqual(
      { code, phase, device },
      { code: 'ERR_PORTCULLIS_AUDIT_UNUSABLE', phase: 'start', device: 'broken' },
    )
    assert.equal(error.cause, cause)
    return true
  })
  assert.deepEqual(before.calls, ['open', 'close'])
  assert.deepEqual(after.calls, [])
})

test('a device that hangs while it opens stops the start at its time limit', async () => {
  const clock = new FakeClock()
  const device = new KeepingDevice('hanging')
  device.open = () => new Promise<void>(() => {})
  const devices = [listed(device)]
  const deps = { telemetry: NO_TELEMETRY, diagnostics: NO_DIAGNOSTICS }
  const starting = createAudit({ devices, clock, hasher: HASHER, instance: 'i', ...deps })
  const refused = assert.rejects(starting, { code: 'ERR_PORTCULLIS_AUDIT_UNUSABLE', message: /within 1000 ms/ })
  await clock.advance(1_000)
  await refused
  assert.equal(clock.pending, 0)
})

test('two devices of one name, no device, and devices that are none are refused', async (t) => {
  const good = listed(new KeepingDevice('one'))
  const wrong: readonly (readonly [unknown, RegExp])[] = [
    [[good, listed(new KeepingDevice('one'))], /two audit devices are named "one"/],
    [[], /at least one device/],
    [[{ ...good, device: { name: 'x' } }], /device\.open must be a function/],
    [[{ ...good, device: { ...good.device, name: '' } }], /device\.name must be a string/],
    [[{ ...good, required: 'yes' }], /required must be true or false/],
    [[{ ...good, timeoutMs: 0 }], /timeoutMs must be from 1/],
    [[{ ...good, timeoutMs: undefined }], /timeoutMs must be a number/],
    [[{ ...good, timeoutMs: Infinity }], /timeoutMs must be from 1 to 600000/],
    [[{ ...good, queueSize: 1.5 }], /queueSize must be a whole number/],
  ]
  for (const [devices, message] of wrong) {
    await assert.rejects(bench(t, devices as readonly AuditDeviceOptions[]), { message })
  }
})

test('close writes what waits, closes every device once, and refuses what comes later', async (t) => {
  const device = new HeldDevice()
  const { audit, clock } = await bench(t, [listed(device)])
  const entry = audit.record(DRAFT)
  const closing = audit.close()
  assert.equal(audit.close(), closing)
  await clock.advance(0)
  device.accept()
  await closing
  await entry
  assert.equal(device.closes, 1)
  assert.equal(await stateOf(audit.record(DRAFT)), 'ERR_PORTCULLIS_AUDIT_FAILED')
  assert.equal(clock.pending, 0)
})

test('close says what a device lost, by count', async (t) => {
  const device = new HeldDevice('extra')
  const diagnostics = heard()
  const { audit, clock } = await bench(t, [listed(device, { required: false })], { diagnostics })
  for (let entry = 0; entry < 3; entry += 1) void audit.record(DRAFT)
  const closing = audit.close()
  await clock.advance(1_000)
  await closing
  assert.deepEqual(diagnostics.warnings, [{ message: 'audit entries were lost at close', device: 'extra', lost: 3 }])
})

test('a best-effort device that stalls does not hold up a required one', async (t) => {
  const [stalled, working] = [new HeldDevice('stalled'), new KeepingDevice('working')]
  const { audit } = await bench(t, [listed(stalled, { required: false }), listed(working)])
  await audit.record(DRAFT)
  await audit.record(DRAFT)
  assert.deepEqual(stalled.writes, [[1]])
  assert.equal(working.records.length, 2)
})
