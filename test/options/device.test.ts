import assert from 'node:assert/strict'
import { test } from 'node:test'
import { checkedDevice, DEVICE_QUEUE_SIZE, DEVICE_TIMEOUT_MS, deviceOptions } from '../../lib/options/device.ts'
import type { AuditDevice, AuditDeviceOptions } from '../../lib/ports/audit-device.ts'

const device: AuditDevice = { name: 'mine', open: async () => {}, write: () => {}, close: async () => {} }
const complete: AuditDeviceOptions = { device, required: true, timeoutMs: 1, queueSize: 1 }

test('what is not given is completed, and the outcome is frozen', () => {
  const options = deviceOptions(device, {}, true)
  assert.deepEqual(options, { device, required: true, timeoutMs: DEVICE_TIMEOUT_MS, queueSize: DEVICE_QUEUE_SIZE })
  assert.ok(Object.isFrozen(options))
  assert.equal(deviceOptions(device, {}, false).required, false)
  assert.equal(deviceOptions(device, { required: true }, false).required, true)
})

test('the least and the most that an option may be are taken', () => {
  for (const [timeoutMs, queueSize] of [
    [1, 1],
    [600_000, 1_000_000],
  ] as const)
    assert.deepEqual(deviceOptions(device, { timeoutMs, queueSize }, true), {
      device,
      required: true,
      timeoutMs,
      queueSize,
    })
})

for (const [option, value, name] of [
  ['timeoutMs', 0, 'RangeError'],
  ['timeoutMs', 600_001, 'RangeError'],
  ['timeoutMs', Infinity, 'RangeError'],
  ['timeoutMs', Number.NaN, 'TypeError'],
  ['timeoutMs', '1', 'TypeError'],
  ['queueSize', 0, 'RangeError'],
  ['queueSize', 1.5, 'RangeError'],
  ['queueSize', Infinity, 'RangeError'],
  ['queueSize', '1', 'TypeError'],
  ['required', 'false', 'TypeError'],
  ['required', 0, 'TypeError'],
] as const) {
  test(`${option}: ${JSON.stringify(value)} (${typeof value}) is refused by name`, () => {
    assert.throws(() => deviceOptions(device, { [option]: value }, true), { name, message: new RegExp(option) })
    assert.throws(() => checkedDevice({ ...complete, [option]: value }), { name, message: new RegExp(option) })
  })
}

test('a device put together by hand that leaves something out is refused, not taken for best effort', () => {
  for (const name of ['required', 'timeoutMs', 'queueSize'] as const) {
    const { [name]: _, ...rest } = complete
    assert.throws(() => checkedDevice(rest as never), { name: 'TypeError', message: new RegExp(name) })
  }
  for (const name of ['name', 'open', 'write', 'close'] as const) {
    const { [name]: _, ...rest } = device
    assert.throws(() => checkedDevice({ ...complete, device: rest as never }), {
      name: 'TypeError',
      message: new RegExp(`device\\.${name}`),
    })
  }
  assert.equal(checkedDevice(complete), device)
})
