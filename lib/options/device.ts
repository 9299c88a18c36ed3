import type { AuditDevice, AuditDeviceOptions } from '../ports/audit-device.ts'
import { booleanOption, numberOption } from './check.ts'

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

/** `device` with what is asked of it, checked and complete. @throws {TypeError|RangeError} naming the option. */
export function deviceOptions(device: AuditDevice, options: DeviceOptions, required: boolean): AuditDeviceOptions {
  return Object.freeze({
    device,
    required: booleanOption('required', options.required, required),
    timeoutMs: numberOption('timeoutMs', options.timeoutMs, DEVICE_TIMEOUT_MS, { min: 1, max: 600_000 }),
    queueSize: numberOption('queueSize', options.queueSize, DEVICE_QUEUE_SIZE, {
      min: 1,
      max: 1_000_000,
      integer: true,
    }),
  })
}

/** Names of {@link DeviceOptions}, for checks of misspelt ones. */
export const DEVICE_OPTION_NAMES = ['required', 'timeoutMs', 'queueSize'] as const
