import { Buffer } from 'node:buffer'
import { CODE, ConnectionError } from './frame.ts'
import { HUFFMAN_TREE, STATIC_FIELDS } from './hpack-tables.ts'

/** Names and values in turn, in the order they came. */
export type Fields = readonly string[]

/** The first value of `name`. */
export function fieldOf(fields: Fields, name: string): string | undefined {
  for (let at = 0; at < fields.length; at += 2) if (fields[at] === name) return fields[at + 1]
  return undefined
}

/** What every field costs in the sums of the rules, beyond its letters. */
const FIELD_OVERHEAD = 32
/** Size of the table of fields met before: the value that holds until another is agreed upon, and none ever is. */
const TABLE_BYTES = 4096

/**
 * Reads blocks of header fields (HPACK, RFC 7541). Every block of a connection has to pass it, in order.
 *
 * @throws {ConnectionError} by {@link decode}: COMPRESSION_ERROR for bytes that are none, ENHANCE_YOUR_CALM for too many fields.
 */
export class HpackDecoder {
  readonly #maxListBytes: number
  /** Oldest first. */
  readonly #table: (readonly [name: string, value: string])[] = []
  #tableBytes = 0
  #maxTableBytes = TABLE_BYTES
  #bytes: Buffer = Buffer.alloc(0)
  #at = 0

  constructor(maxListBytes: number) {
    this.#maxListBytes = maxListBytes
  }

  decode(block: Buffer): Fields {
    this.#bytes = block
    this.#at = 0
    const fields: string[] = []
    let listBytes = 0
    while (this.#at < block.length) {
      const field = this.#field(block[this.#at] ?? 0)
      if (field === undefined) continue
      const [name, value] = field
      listBytes += name.length + value.length + FIELD_OVERHEAD
      if (listBytes > this.#maxListBytes) throw new ConnectionError(CODE.calm, 'too many header fields')
      fields.push(name, value)
    }
    return fields
  }

  /** `undefined` where it only changed the table. */
  #field(first: number): readonly [string, string] | undefined {
    if (first >= 0x80) return this.#entry(this.#integer(7))
    if (first >= 0x40) return this.#keep(this.#literal(6))
    if (first < 0x20) return this.#literal(4)
    const max = this.#integer(5)
    if (max > TABLE_BYTES) throw broken('the table is larger than was agreed upon')
    this.#maxTableBytes = max
    this.#evict(0)
    return undefined
  }

  #literal(prefix: number): readonly [string, string] {
    const index = this.#integer(prefix)
    const name = index === 0 ? this.#text() : this.#entry(index)[0]
    return [name, this.#text()]
  }

  #entry(index: number): readonly [string, string] {
    const found =
      index <= STATIC_FIELDS.length
        ? STATIC_FIELDS[index - 1]
        : this.#table[this.#table.length - (index - STATIC_FIELDS.length)]
    if (found === undefined) throw broken('a field is named that is not in the table')
    return found
  }

  #keep(field: readonly [string, string]): readonly [string, string] {
    const bytes = sizeOf(field)
    this.#evict(bytes)
    if (bytes <= this.#maxTableBytes) {
      this.#table.push(field)
      this.#tableBytes += bytes
    }
    return field
  }

  /** Makes room for `bytes`. */
  #evict(bytes: number): void {
    while (this.#tableBytes + bytes > this.#maxTableBytes) {
      const oldest = this.#table.shift()
      if (oldest === undefined) return
      this.#tableBytes -= sizeOf(oldest)
    }
  }

  #integer(prefix: number): number {
    const mask = 2 ** prefix - 1
    let value = (this.#bytes[this.#at++] ?? 0) & mask
    if (value < mask) return value
    for (let shift = 0; shift <= 21; shift += 7) {
      const byte = this.#bytes[this.#at++]
      if (byte === undefined) break
      value += (byte & 0x7f) << shift
      if (byte < 0x80) return value
    }
    throw broken('a number has no end')
  }

  #text(): string {
    const isPacked = ((this.#bytes[this.#at] ?? 0) & 0x80) !== 0
    const length = this.#integer(7)
    const start = this.#at
    if (length > this.#bytes.length - start) throw broken('a text is cut short')
    this.#at = start + length
    return isPacked ? unpacked(this.#bytes, start, this.#at) : this.#bytes.toString('latin1', start, this.#at)
  }
}

function sizeOf([name, value]: readonly [string, string]): number {
  return name.length + value.length + FIELD_OVERHEAD
}

function unpacked(bytes: Buffer, start: number, end: number): string {
  let text = ''
  let node = 0
  let pending = 0
  let isPadding = true
  for (let at = start; at < end; at += 1) {
    for (let bit = 7; bit >= 0; bit -= 1) {
      const isSet = ((bytes[at] ?? 0) >> bit) & 1
      pending += 1
      isPadding &&= isSet === 1
      const next = HUFFMAN_TREE[2 * node + isSet] ?? 0
      if (next === 0) throw broken('a text is not packed by the rules')
      node = Math.max(next, 0)
      if (next > 0) continue
      text += String.fromCharCode(~next)
      pending = 0
      isPadding = true
    }
  }
  // What is left over is the start of the end of text, which is all ones, and less than a byte.
  if (pending > 7 || !isPadding) throw broken('a text does not end by the rules')
  return text
}

function broken(message: string): ConnectionError {
  return new ConnectionError(CODE.compression, message)
}
