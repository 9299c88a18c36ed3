import type { Writable } from 'node:stream'
import { checkNames, typed } from '../options/check.ts'
import { DEVICE_OPTION_NAMES, type DeviceOptions, deviceOptions } from '../options/device.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'

/**
 * An audit device that writes JSON lines to a stream of yours, such as `process.stdout` or a compressor.
 *
 * An entry is accepted when the stream says that its write is done, which is as much as that stream can say. Neither
 * opened nor ended: it stays yours. After an error of the stream, which ends it for good, entries are refused.
 *
 * @param name - Unique among the devices; stands in errors and metrics.
 * @param options - `required` defaults to true.
 * @throws {TypeError|RangeError} naming the option.
 * @example
 * stream('stdout', process.stdout)
 */
export function stream(name: string, writable: Writable, options: DeviceOptions = {}): AuditDeviceOptions {
  checkNames('stream()', options, DEVICE_OPTION_NAMES)
  if (typeof name !== 'string' || name === '')
    throw new TypeError(`stream() takes a name first, a string that is not empty; got ${typed(name)}`)
  if (typeof writable?.write !== 'function' || typeof writable.on !== 'function')
    throw new TypeError(`stream() takes a writable stream second, got ${typed(writable)}`)
  return deviceOptions(new StreamDevice(name, writable), options, true)
}

class StreamDevice implements AuditDevice {
  readonly name: string
  readonly #writable: Writable

  constructor(name: string, writable: Writable) {
    this.name = name
    this.#writable = writable
  }

  async open(): Promise<void> {
    if (!this.#writable.writable) throw new Error('the stream is not writable')
    // Told to the write that it ends, by its callback; without a listener it would end the process.
    this.#writable.on('error', IGNORED)
  }

  write(records: readonly AuditRecord[]): Promise<void> {
    let text = ''
    for (const record of records) text += `${record.line()}\n`
    return new Promise((resolve, reject) => {
      this.#writable.write(text, (error) => (error == null ? resolve() : reject(error)))
    })
  }

  /** The listener stays: a write that was given up may still fail. */
  async close(): Promise<void> {}
}

const IGNORED = (): void => {}
