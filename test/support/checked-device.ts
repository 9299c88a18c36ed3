import assert from 'node:assert/strict'
import { after } from 'node:test'
import type { AuditDeviceOptions } from '../../lib/ports/audit-device.ts'
import { isEntry } from './entry-schema.ts'

const faults: unknown[] = []

after(() => assert.deepEqual(faults, [], 'every audit entry of this file satisfies the schema'))

/** `listed`, of which every entry has to satisfy the published schema: else the test file fails at its end. */
export function checked(listed: AuditDeviceOptions): AuditDeviceOptions {
  const { device } = listed
  return {
    ...listed,
    device: {
      name: device.name,
      ...(device.neverRequired === undefined ? {} : { neverRequired: device.neverRequired }),
      open: () => device.open(),
      write(records): Promise<void> | void {
        for (const { entry } of records) if (!isEntry(entry)) faults.push(entry)
        return device.write(records)
      },
      close: () => device.close(),
    },
  }
}
