import { Buffer } from 'node:buffer'
import { close, constants, fstat, open, write } from 'node:fs'
import { promisify } from 'node:util'
import { checkNames, stringOption } from '../options/check.ts'
import { DEVICE_OPTION_NAMES, type DeviceOptions, deviceOptions } from '../options/device.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'
import { systemClock } from './clock.ts'

/**
 * An audit device that appends JSON lines to a file, or to a FIFO that someone reads.
 *
 * An entry is accepted when the operating system has taken the write. The file is made with mode
 * 0600; one that others may write to is refused, since what they write would pass for ours.
 *
 * @param options - `required` defaults to true.
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE`, at the start of the gateway, when it cannot be opened.
 */
export function file(path: string, options: DeviceOptions = {}): AuditDeviceOptions {
  checkNames('file()', options, DEVICE_OPTION_NAMES)
  return deviceOptions(new FileDevice(stringOption('path', path, '')), options, true)
}

// Without O_NONBLOCK a FIFO that nobody empties would hold a thread, and the process with it.
const FLAGS = constants.O_WRONLY | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK
const OTHERS_MAY_WRITE = 0o022
const FULL_PIPE_WAIT_MS = 10

class FileDevice implements AuditDevice {
  readonly name: string
  readonly #path: string
  #fd: number | undefined
  /** A write ended inside a line; the next one has to start a new one. */
  #isTorn = false

  constructor(path: string) {
    this.#path = path
    this.name = `file:${path}`
  }

  async open(): Promise<void> {
    const fd = await promisify(open)(this.#path, FLAGS, 0o600)
    const stats = await promisify(fstat)(fd)
    if (stats.isFile() && (stats.mode & OTHERS_MAY_WRITE) !== 0) {
      await promisify(close)(fd)
      throw new Error(`${this.#path} may be written by others; take that right away (chmod go-w)`)
    }
    this.#fd = fd
  }

  async write(records: readonly AuditRecord[]): Promise<void> {
    let text = this.#isTorn ? '\n' : ''
    for (const record of records) text += `${record.line()}\n`
    const bytes = Buffer.from(text)
    let written = 0
    try {
      while (written < bytes.length) written += await this.#append(bytes, written)
    } finally {
      if (written > 0) this.#isTorn = bytes[written - 1] !== 0x0a
    }
  }

  async close(): Promise<void> {
    const fd = this.#fd
    this.#fd = undefined
    if (fd !== undefined) await promisify(close)(fd)
  }

  /** Appends what the system takes at once; waits where a pipe is full. */
  #append(bytes: Buffer, offset: number): Promise<number> {
    return new Promise((resolve, reject) => {
      const attempt = (): void => {
        const fd = this.#fd
        if (fd === undefined) return reject(new Error('the audit file is closed'))
        write(fd, bytes, offset, bytes.length - offset, null, (error, count) => {
          if (error === null) resolve(count)
          else if (error.code === 'EAGAIN') systemClock.after(FULL_PIPE_WAIT_MS, attempt)
          else reject(error)
        })
      }
      attempt()
    })
  }
}
