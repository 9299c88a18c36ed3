/** One ASN.1 value in DER: tag, length, content. */
export function der(tag: number, ...contents: readonly Uint8Array[]): Buffer {
  const content = Buffer.concat(contents)
  return Buffer.concat([Buffer.from([tag]), lengthOf(content.length), content])
}

function lengthOf(length: number): Buffer {
  if (length < 0x80) return Buffer.from([length])
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32BE(length)
  const digits = bytes.subarray(bytes.findIndex((byte) => byte !== 0))
  return Buffer.concat([Buffer.from([0x80 | digits.length]), digits])
}

export function sequence(...contents: readonly Uint8Array[]): Buffer {
  return der(0x30, ...contents)
}

export function setOf(...contents: readonly Uint8Array[]): Buffer {
  return der(0x31, ...contents)
}

/** A number that is not negative, from its big-endian bytes. */
export function integer(bytes: Uint8Array): Buffer {
  const from = bytes.findIndex((byte) => byte !== 0)
  const digits = from === -1 ? Uint8Array.of(0) : bytes.subarray(from)
  return der(0x02, (digits[0] ?? 0) >= 0x80 ? Uint8Array.of(0) : Uint8Array.of(), digits)
}

/** From its dotted form. */
export function objectId(dotted: string): Buffer {
  const [first = 0, second = 0, ...rest] = dotted.split('.').map(Number)
  return der(0x06, Uint8Array.from([first * 40 + second, ...rest.flatMap(base128)]))
}

function base128(arc: number): readonly number[] {
  const digits = [arc % 128]
  for (let left = Math.floor(arc / 128); left > 0; left = Math.floor(left / 128)) digits.unshift((left % 128) | 0x80)
  return digits
}

export function utf8(text: string): Buffer {
  return der(0x0c, Buffer.from(text))
}

export function octets(content: Uint8Array): Buffer {
  return der(0x04, content)
}

/** `unused` counts bits at the end that do not belong to it. */
export function bits(content: Uint8Array, unused = 0): Buffer {
  return der(0x03, Uint8Array.of(unused), content)
}

export function yes(): Buffer {
  return der(0x01, Uint8Array.of(0xff))
}

/** A moment, to the second: UTCTime until 2049, GeneralizedTime from then on, as X.509 wants it. */
export function time(atMs: number): Buffer {
  const text = new Date(atMs).toISOString().replace(/[-:T]|\.\d+/g, '')
  return text < '2050' ? der(0x17, Buffer.from(text.slice(2))) : der(0x18, Buffer.from(text))
}
