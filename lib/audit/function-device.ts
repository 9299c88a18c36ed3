import type { AuditEntry, AuditGap } from '../model/audit-entry.ts'
import { checkNames, typed } from '../options/check.ts'
import { DEVICE_OPTION_NAMES, type DeviceOptions, deviceOptions } from '../options/device.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'

/**
 * An audit device of your own: `write` gets each entry, in order, one at a time.
 *
 * What it returns is waited for; what it throws is a refusal, also for the entries that waited behind it.
 * Entries are shared with other devices: do not change them. A `write` that calls the gateway and waits
 * for the answer waits for itself, and ends at its time limit.
 *
 * @param name - Unique among the devices; stands in errors and metrics.
 * @param options - `required` defaults to true.
 * @throws {TypeError|RangeError} naming the option.
 * @example
 * callback('queue', async (entry) => { await queue.send(JSON.stringify(entry)) })
 */
export function callback(
  name: string,
  write: (entry: AuditEntry | AuditGap) => Promise<void> | void,
  options: DeviceOptions = {},
): AuditDeviceOptions {
  checkNames('callback()', options, DEVICE_OPTION_NAMES)
  if (typeof name !== 'string' || name === '')
    throw new TypeError(`callback() takes a name first, a string that is not empty; got ${typed(name)}`)
  if (typeof write !== 'function') throw new TypeError(`callback() takes a function second, got ${typed(write)}`)
  const device: AuditDevice = {
    name,
    open: async (): Promise<void> => {},
    async write(records: readonly AuditRecord[]): Promise<void> {
      for (const { entry } of records) await write(entry)
    },
    close: async (): Promise<void> => {},
  }
  return deviceOptions(device, options, true)
}
