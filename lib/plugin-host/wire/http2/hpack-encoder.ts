import { Buffer } from 'node:buffer'
import { STATIC_FIELDS } from './hpack-tables.ts'

/**
 * Fields as a block that can be sent on any connection, any number of times: it names no field that was sent before.
 *
 * Whoever sends the same fields again and again keeps the block; that is cheaper than a table of what the peer has met.
 */
export function headerBlock(fields: Readonly<Record<string, string>>): Buffer {
  return Buffer.concat(Object.entries(fields).map(([name, value]) => fieldBytes(name, value)))
}

const INDEX_OF: ReadonlyMap<string, number> = new Map(
  STATIC_FIELDS.map(([name, value], at) => [`${name}\0${value}`, at + 1]),
)

function fieldBytes(name: string, value: string): Buffer {
  const index = INDEX_OF.get(`${name}\0${value}`)
  if (index !== undefined) return Buffer.from([0x80 | index])
  return Buffer.concat([Buffer.from([0]), textBytes(name), textBytes(value)])
}

function textBytes(text: string): Buffer {
  const bytes = Buffer.from(text, 'latin1')
  return Buffer.concat([integerBytes(bytes.length), bytes])
}

/** Seven bits in the first byte, whose highest says that the text is not packed. */
function integerBytes(value: number): Buffer {
  if (value < 0x7f) return Buffer.from([value])
  const bytes = [0x7f]
  let left = value - 0x7f
  for (; left >= 0x80; left = Math.floor(left / 0x80)) bytes.push((left % 0x80) | 0x80)
  return Buffer.from([...bytes, left])
}
