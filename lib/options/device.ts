import { AuditError } from '../errors/index.ts'
import type { AuditDevice, AuditDeviceOptions } from '../ports/audit-device.ts'
import { booleanOption, numberOption, typed } from './check.ts'

/** What is asked of an audit device. */
export interface DeviceOptions {
  /** Must it accept an entry before the request goes on? */
  readonly required?: boolean
  /** How long an entry may wait for acceptance. Milliseconds, 1 to 600,000. Default 2000. */
  readonly timeoutMs?: number
  /** Entries that may wait at once, 1 to 1,000,000. Default 10,000. */
  readonly queueSize?: number
}

/** As long as the server's own socket device waits. */
export const DEVICE_TIMEOUT_MS = 2_000
export const DEVICE_QUEUE_SIZE = 10_000

/** `device` with what is asked of it, checked and complete. @throws as {@link checkedDevice}. */
export function deviceOptions(device: AuditDevice, options: DeviceOptions, required: boolean): AuditDeviceOptions {
  const timeoutMs = options.timeoutMs ?? DEVICE_TIMEOUT_MS
  const queueSize = options.queueSize ?? DEVICE_QUEUE_SIZE
  const complete = { device, required: booleanOption('required', options.required, required), timeoutMs, queueSize }
  checkedDevice(complete)
  return Object.freeze(complete)
}

/**
 * The device in `options`, which a user may have put together by hand.
 *
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE` for one that is required, and gives no receipt.
 * @throws {TypeError|RangeError} naming the option.
 */
export function checkedDevice({ device, required, timeoutMs, queueSize }: AuditDeviceOptions): AuditDevice {
  if (typeof device?.name !== 'string' || device.name === '')
    throw new TypeError(`device.name must be a string that is not empty, got ${typed(device?.name)}`)
  for (const method of ['open', 'write', 'close'] as const) {
    if (typeof device[method] !== 'function')
      throw new TypeError(`device.${method} must be a function, got ${typed(device[method])}`)
  }
  if (typeof required !== 'boolean') throw new TypeError(`required must be true or false, got ${typed(required)}`)
  if (required && device.neverRequired !== undefined) throw noReceipt(device.name, device.neverRequired)
  numberOption('timeoutMs', timeoutMs ?? Number.NaN, 0, { min: 1, max: 600_000 })
  numberOption('queueSize', queueSize ?? Number.NaN, 0, { min: 1, max: 1_000_000, integer: true })
  return device
}

function noReceipt(device: string, why: string): AuditError {
  return new AuditError('ERR_PORTCULLIS_AUDIT_UNUSABLE', why, { device, phase: 'start' })
}

/** Names of {@link DeviceOptions}, for checks of misspelt ones. */
export const DEVICE_OPTION_NAMES = ['required', 'timeoutMs', 'queueSize'] as const
