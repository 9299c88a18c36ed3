import { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { Clock } from '../../ports/clock.ts'
import { throttled } from './throttled.ts'

const NEWLINE = 0x0a

/**
 * The first line of `stream`; what follows is drained and thrown away for as long as the stream lives.
 *
 * @throws {Error} it is longer than `maxBytes`, or the stream ends before it does.
 */
export function firstLine(stream: Readable, maxBytes: number, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    let held: Buffer | undefined = Buffer.alloc(0)
    const settle = (act: () => void): void => {
      held = undefined
      act()
    }
    throttled(stream, clock, (chunk) => {
      if (held === undefined) return
      const end = chunk.indexOf(NEWLINE)
      const line = Buffer.concat([held, end === -1 ? chunk : chunk.subarray(0, end)])
      if (line.length > maxBytes) settle(() => reject(new Error(`its first line has more than ${maxBytes} bytes`)))
      else if (end === -1) held = line
      else settle(() => resolve(line.toString('utf8')))
    })
    stream.once('close', () => settle(() => reject(new Error('it closed its output before a handshake'))))
  })
}
