import { Buffer } from 'node:buffer'
import { constants, type Stats, write } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { checkNames, stringOption, typed } from '../options/check.ts'
import { DEVICE_OPTION_NAMES, DEVICE_TIMEOUT_MS, type DeviceOptions, deviceOptions } from '../options/device.ts'
import type { AuditDevice, AuditDeviceOptions, AuditRecord } from '../ports/audit-device.ts'
import { systemClock } from './clock.ts'

/**
 * An audit device that appends JSON lines to a file, to a FIFO that someone reads, or to a terminal.
 *
 * An entry is accepted when the operating system has taken the write; it does not survive a power cut. The
 * file is made with mode 0600. One that group or others may write to is refused, since what they write would
 * pass for ours; its mode is not changed, which would surprise its owner. A link is refused (`/dev/stdout` is
 * one: use `callback()`). A line that could not be finished stays, torn, and the next entry starts a new line;
 * whole lines of a refused write may stay too. Rotate by copying and truncating, since the file stays open.
 *
 * @param options - `required` defaults to true.
 * @throws {TypeError|RangeError} naming the option.
 * @throws {AuditError} `ERR_PORTCULLIS_AUDIT_UNUSABLE`, at the start of the gateway, when it cannot be opened.
 */
export function file(path: string, options: DeviceOptions = {}): AuditDeviceOptions {
  checkNames('file()', options, DEVICE_OPTION_NAMES)
  if (path === undefined) throw new TypeError(`file() takes a path, got ${typed(path)}`)
  const device = new FileDevice(stringOption('path', path, ''), options.timeoutMs ?? DEVICE_TIMEOUT_MS)
  return deviceOptions(device, options, true)
}

const { O_APPEND, O_CREAT, O_NOCTTY, O_NOFOLLOW, O_NONBLOCK, O_RDONLY, O_WRONLY } = constants
// Without O_NONBLOCK a FIFO that nobody empties would hold a thread, and the process with it.
const SAFELY = O_NOFOLLOW | O_NONBLOCK | O_NOCTTY
const OTHERS_MAY_WRITE = 0o022
const FULL_PIPE_WAIT_MS = 10
const NEWLINE = 0x0a

class FileDevice implements AuditDevice {
  readonly name: string
  readonly #path: string
  readonly #timeoutMs: number
  #handle: FileHandle | undefined
  #isClosed = false
  /** The write that the system is at: a descriptor closed beneath it could be another file's by then. */
  #appending: Promise<number> | undefined
  /** The last write ended inside a line; the next one has to start a new one. */
  #isTorn = false

  constructor(path: string, timeoutMs: number) {
    this.#path = path
    this.#timeoutMs = timeoutMs
    this.name = `file:${path}`
  }

  async open(): Promise<void> {
    const handle = await opened(this.#path)
    try {
      const stats = await handle.stat()
      checkTarget(this.#path, stats)
      this.#isTorn = stats.isFile() && stats.size > 0 && !(await endsInNewline(this.#path, stats))
      this.#handle = handle
    } finally {
      if (this.#handle === undefined) await handle.close()
    }
  }

  async write(records: readonly AuditRecord[]): Promise<void> {
    let text = this.#isTorn ? '\n' : ''
    for (const record of records) text += `${record.line()}\n`
    const bytes = Buffer.from(text)
    // Who waits for the entry, and then for close(), must learn what came of it; longer a stalled reader holds no process.
    const holdUntilMs = systemClock.now() + 3 * this.#timeoutMs
    let written = 0
    try {
      while (written < bytes.length) written += await this.#append(bytes, written, holdUntilMs)
    } finally {
      if (written > 0) this.#isTorn = bytes[written - 1] !== NEWLINE
    }
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#appending?.catch(() => {})
    const handle = this.#handle
    this.#handle = undefined
    await handle?.close()
  }

  /** Appends what the system takes at once; waits where a pipe is full. Gives the number of bytes taken. */
  async #append(bytes: Buffer, offset: number, holdUntilMs: number): Promise<number> {
    for (;;) {
      if (this.#handle === undefined || this.#isClosed) throw new Error('the audit file is closed')
      this.#appending = appended(this.#handle.fd, bytes, offset)
      const count = await this.#appending
      if (count > 0) return count
      await delay(FULL_PIPE_WAIT_MS, undefined, { ref: systemClock.now() < holdUntilMs })
    }
  }
}

async function opened(path: string): Promise<FileHandle> {
  try {
    return await open(path, O_WRONLY | O_APPEND | O_CREAT | SAFELY, 0o600)
  } catch (cause) {
    const hint = HINTS[(cause as NodeJS.ErrnoException).code ?? '']
    throw hint === undefined ? cause : new Error(`${path} ${hint}`, { cause })
  }
}

/** What the system's words for a failed open do not say. */
const HINTS: Readonly<Record<string, string>> = {
  ELOOP: 'is a symbolic link (ELOOP); give the path that it leads to',
  ENXIO: 'has no reader (ENXIO); start what reads the FIFO before the gateway',
}

/** One write of the system; 0 where a pipe is full. */
function appended(fd: number, bytes: Buffer, offset: number): Promise<number> {
  return new Promise((resolve, reject) => {
    write(fd, bytes, offset, bytes.length - offset, null, (error, count) => {
      if (error === null) resolve(count)
      else if (error.code === 'EAGAIN') resolve(0)
      else reject(error)
    })
  })
}

function checkTarget(path: string, stats: Stats): void {
  const isPlain = stats.isFile() || stats.isFIFO()
  if (!isPlain && !stats.isCharacterDevice()) throw new Error(`${path} is neither a file nor a FIFO nor a terminal`)
  // Windows has no such rights, and tells them for every file.
  if (isPlain && process.platform !== 'win32' && (stats.mode & OTHERS_MAY_WRITE) !== 0) {
    throw new Error(`group or others may write to ${path}; take that right away (chmod go-w)`)
  }
}

/** Does the file that `stats` tells of end a line? `false` where that cannot be seen: an empty line does no harm. */
async function endsInNewline(path: string, { dev, ino, size }: Stats): Promise<boolean> {
  const handle = await open(path, O_RDONLY | SAFELY).catch(() => undefined)
  if (handle === undefined) return false
  try {
    const stats = await handle.stat()
    if (stats.dev !== dev || stats.ino !== ino) return false
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(1), 0, 1, size - 1)
    return bytesRead === 1 && buffer[0] === NEWLINE
  } finally {
    await handle.close()
  }
}
