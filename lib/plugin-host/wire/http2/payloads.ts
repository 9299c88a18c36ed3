import { Buffer } from 'node:buffer'
import { CODE, ConnectionError } from './frame.ts'

/** Four bytes. */
export function wordOf(value: number): Uint8Array {
  return new Uint8Array([value >>> 24, value >>> 16, value >>> 8, value])
}

/** The number that is all of a payload. @throws {ConnectionError} it is not four bytes long. */
export function wordIn(payload: Buffer): number {
  if (payload.length !== 4) throw new ConnectionError(CODE.frameSize, 'a frame has not its size')
  return payload.readUInt32BE(0)
}

/** Settings as a payload. */
export function settingsOf(settings: Readonly<Record<number, number>>): Buffer {
  const entries = Object.entries(settings)
  const payload = Buffer.alloc(6 * entries.length)
  for (const [at, [name, value]] of entries.entries()) {
    payload.writeUInt16BE(Number(name), 6 * at)
    payload.writeUInt32BE(value, 6 * at + 2)
  }
  return payload
}

/** Settings that one frame may have; there are not ten kinds. */
const MAX_SETTINGS = 64

/** The settings of a payload, in order. @throws {ConnectionError} they are not whole, or too many. */
export function settingsIn(payload: Buffer): readonly (readonly [name: number, value: number])[] {
  if (payload.length % 6 !== 0) throw new ConnectionError(CODE.frameSize, 'settings are malformed')
  if (payload.length > 6 * MAX_SETTINGS) throw new ConnectionError(CODE.calm, 'too many settings')
  return Array.from({ length: payload.length / 6 }, (_, at) => [
    payload.readUInt16BE(6 * at),
    payload.readUInt32BE(6 * at + 2),
  ])
}

/** The payload of a frame without its padding. @throws {ConnectionError} the padding is longer than what it pads. */
export function unpadded(payload: Buffer): Buffer {
  const padding = payload[0] ?? 0
  if (padding >= payload.length) throw new ConnectionError(CODE.protocol, 'padding is longer than its frame')
  return payload.subarray(1, payload.length - padding)
}
