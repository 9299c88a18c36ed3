import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAudit } from '../../lib/audit/audit.ts'
import { callback } from '../../lib/audit/function-device.ts'
import type { AuditDeviceOptions } from '../../lib/ports/audit-device.ts'
import { NO_DIAGNOSTICS } from '../../lib/ports/diagnostics.ts'
import { NO_TELEMETRY } from '../../lib/ports/telemetry.ts'
import { FakeClock } from '../../lib/testing/fake-clock.ts'
import { DRAFT, HASHER, shown, stateOf } from './support.ts'

async function auditOf(device: AuditDeviceOptions, clock = new FakeClock()) {
  const deps = { hasher: HASHER, clock, instance: 'i', telemetry: NO_TELEMETRY, diagnostics: NO_DIAGNOSTICS }
  return createAudit({ devices: [device], ...deps })
}

test('a function gets each entry, in order, one at a time, and is waited for', async () => {
  const seen: (number | string)[] = []
  let busy = 0
  const write = async (entry: Parameters<Parameters<typeof callback>[1]>[0]): Promise<void> => {
    assert.equal(busy, 0)
    busy += 1
    await Promise.resolve()
    seen.push(shown(entry))
    busy -= 1
  }
  const audit = await auditOf(callback('mine', write))
  await Promise.all([audit.record(DRAFT), audit.record(DRAFT), audit.record(DRAFT)])
  assert.deepEqual(seen, [1, 2, 3])
})

for (const [how, write] of [
  ['throws', () => assert.fail('no')],
  ['rejects', () => Promise.reject(new Error('no'))],
] as const) {
  test(`an entry is refused when the function ${how}`, async () => {
    const audit = await auditOf(callback('mine', write))
    await assert.rejects(audit.record(DRAFT) as Promise<void>, { code: 'ERR_PORTCULLIS_AUDIT_FAILED', device: 'mine' })
  })
}

test('an entry is refused at its time limit when the function hangs', async () => {
  const clock = new FakeClock()
  const audit = await auditOf(
    callback('mine', () => new Promise<void>(() => {}), { timeoutMs: 50 }),
    clock,
  )
  const entry = audit.record(DRAFT)
  await clock.advance(50)
  assert.equal(await stateOf(entry), 'ERR_PORTCULLIS_AUDIT_TIMEOUT')
})

test('it is required, waits 2 s and queues 10,000, unless told otherwise', () => {
  const { required, timeoutMs, queueSize } = callback('mine', () => {})
  assert.deepEqual({ required, timeoutMs, queueSize }, { required: true, timeoutMs: 2_000, queueSize: 10_000 })
  const own = { required: false, timeoutMs: 5, queueSize: 7 }
  const { device: _, ...set } = callback('mine', () => {}, own)
  assert.deepEqual(set, own)
})

test('wrong arguments are refused by name', () => {
  const write = (): void => {}
  const wrong: readonly (readonly [() => unknown, RegExp])[] = [
    [() => callback('', write), /a name first/],
    [() => callback(undefined as never, write), /a name first/],
    [() => callback('mine', 'write' as never), /a function second, got a string/],
    [() => callback('mine', write, { require: true } as never), /no option "require"/],
    [() => callback('mine', write, { required: 1 as never }), /required must be true or false/],
    [() => callback('mine', write, { timeoutMs: 0 }), /timeoutMs must be from 1 to 600000, got 0/],
    [() => callback('mine', write, { queueSize: 0.5 }), /queueSize must be from 1/],
  ]
  for (const [call, message] of wrong) assert.throws(call, { message })
})
