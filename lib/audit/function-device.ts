import type { AuditEntry, AuditGap } from '../model/audit-entry.ts'
import { checkNames, stringOption } from '../options/check.ts'
import { DEVICE_OPTION_NAMES, type DeviceOptions, deviceOptions } from '../options/device.ts'
import type { AuditDeviceOptions } from '../ports/audit-device.ts'

/**
 * An audit device of your own: `write` gets each entry, in order, one at a time.
 *
 * What it returns is waited for; what it throws is a refusal. Entries are shared with other devices: do not change them.
 *
 * @param name - Unique among the devices; stands in errors and metrics.
 * @param options - `required` defaults to true.
 * @example
 * callback('queue', async (entry) => { await queue.send(JSON.stringify(entry)) })
 */
export function callback(
  name: string,
  write: (entry: AuditEntry | AuditGap) => Promise<void> | void,
  options: DeviceOptions = {},
): AuditDeviceOptions {
  checkNames('callback()', options, DEVICE_OPTION_NAMES)
  if (typeof write !== 'function') throw new TypeError('callback() takes a name and a function')
  const device = {
    name: stringOption('name', name, ''),
    open: async (): Promise<void> => {},
    async write(records: Parameters<AuditDeviceOptions['device']['write']>[0]): Promise<void> {
      for (const { entry } of records) await write(entry)
    },
    close: async (): Promise<void> => {},
  }
  return deviceOptions(device, options, true)
}
