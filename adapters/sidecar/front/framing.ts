import { Buffer } from 'node:buffer'

/**
 * The verbs of the server that Node's parser does not know, and the ones they travel under from here to the handler.
 *
 * Those stand-ins are nothing that the server takes, so a client that sends them itself is sent on to {@link REFUSED_VERB}.
 */
export const STAND_INS: ReadonlyMap<string, string> = new Map([
  ['LIST', 'REPORT'],
  ['SCAN', 'SEARCH'],
])
const REFUSED_VERB = 'TRACE'
const REWRITTEN: ReadonlyMap<string, string> = new Map([
  ...STAND_INS,
  ...[...STAND_INS.values()].map((verb) => [verb, REFUSED_VERB] as const),
])
const LONGEST_VERB = Math.max(...[...REWRITTEN.keys()].map((verb) => verb.length)) + 1

/** Where in the stream of one connection a byte stands. */
type State =
  | { readonly at: 'verb' }
  | { readonly at: 'head' }
  | { readonly at: 'body'; left: number }
  | { readonly at: 'size' }
  | { readonly at: 'chunk'; left: number }
  | { readonly at: 'trailers' }
  // Not understood: everything passes as it is, and the parser behind refuses it by itself.
  | { readonly at: 'blind' }

/** Longest head, size line or trailer that is followed; the parser behind ends far earlier. */
const MAX_FOLLOWED = 64 * 1024
const CR = 0x0d
const LF = 0x0a

/**
 * Follows the requests of one HTTP/1.1 connection, pipelined ones and bodies too, and changes nothing but verbs.
 *
 * At most one verb is held back; all other bytes pass at once, so that the time limits of the parser behind hold. Where
 * this and that parser should ever disagree, the parser's reading counts: only what it read is judged.
 */
export class Framing {
  #state: State = { at: 'verb' }
  /** The part of a verb, head or line seen so far. */
  #seen = ''

  /** The bytes to pass on for `chunk`. */
  push(chunk: Buffer): readonly Buffer[] {
    const out: Buffer[] = []
    let at = 0
    while (at < chunk.length) at = this.#step(chunk, at, out)
    return out
  }

  /** What was held back when the stream ended. */
  end(): Buffer {
    const rest = this.#state.at === 'verb' ? Buffer.from(this.#seen, 'latin1') : Buffer.alloc(0)
    this.#state = { at: 'blind' }
    return rest
  }

  #step(chunk: Buffer, at: number, out: Buffer[]): number {
    const state = this.#state
    switch (state.at) {
      case 'verb':
        return this.#verb(chunk, at, out)
      case 'head':
        return this.#through(chunk, at, out, '\r\n\r\n', (head) => this.#headEnded(head))
      case 'size':
        return this.#through(chunk, at, out, '\r\n', (line) => this.#sizeEnded(line))
      case 'trailers':
        return this.#through(chunk, at, out, '\r\n', (line) => this.#trailerEnded(line))
      case 'body':
      case 'chunk': {
        const end = Math.min(at + state.left, chunk.length)
        state.left -= end - at
        out.push(chunk.subarray(at, end))
        if (state.left === 0) this.#state = { at: state.at === 'body' ? 'verb' : 'size' }
        return end
      }
      case 'blind':
        out.push(chunk.subarray(at))
        return chunk.length
    }
  }

  #verb(chunk: Buffer, at: number, out: Buffer[]): number {
    const byte = chunk[at] ?? 0
    // Parsers forgive line breaks between requests.
    if (this.#seen === '' && (byte === CR || byte === LF)) {
      out.push(chunk.subarray(at, at + 1))
      return at + 1
    }
    this.#seen += String.fromCharCode(byte)
    const isWhole = this.#seen.endsWith(' ')
    if (!isWhole && this.#seen.length < LONGEST_VERB) return at + 1
    const verb = isWhole ? this.#seen.slice(0, -1) : undefined
    const other = verb === undefined ? undefined : REWRITTEN.get(verb)
    out.push(Buffer.from(other === undefined ? this.#seen : `${other} `, 'latin1'))
    this.#seen = ''
    this.#state = { at: 'head' }
    return at + 1
  }

  /** Passes bytes on up to the end of `mark`, and then tells what stood before it. */
  #through(chunk: Buffer, at: number, out: Buffer[], mark: string, ended: (seen: string) => State): number {
    const before = this.#seen.length
    this.#seen += chunk.toString('latin1', at)
    const found = this.#seen.indexOf(mark, Math.max(before - mark.length, 0))
    if (found === -1) {
      out.push(chunk.subarray(at))
      if (this.#seen.length > MAX_FOLLOWED) this.#state = { at: 'blind' }
      return chunk.length
    }
    const end = at + found + mark.length - before
    out.push(chunk.subarray(at, end))
    const seen = this.#seen.slice(0, found)
    this.#seen = ''
    this.#state = ended(seen)
    return end
  }

  #headEnded(head: string): State {
    const lengths = headerValues(head, 'content-length')
    const encodings = headerValues(head, 'transfer-encoding')
    if (lengths.length + encodings.length > 1) return { at: 'blind' }
    const [length] = lengths
    const [encoding] = encodings
    if (encoding !== undefined) return { at: encoding.toLowerCase() === 'chunked' ? 'size' : 'blind' }
    if (length === undefined) return { at: 'verb' }
    if (!/^\d{1,15}$/.test(length)) return { at: 'blind' }
    return Number(length) === 0 ? { at: 'verb' } : { at: 'body', left: Number(length) }
  }

  #sizeEnded(line: string): State {
    const size = /^([0-9a-f]{1,12})[ \t]*(?:;|$)/i.exec(line)?.[1]
    if (size === undefined) return { at: 'blind' }
    const bytes = Number.parseInt(size, 16)
    return bytes === 0 ? { at: 'trailers' } : { at: 'chunk', left: bytes + 2 }
  }

  #trailerEnded(line: string): State {
    return { at: line === '' ? 'verb' : 'trailers' }
  }
}

function headerValues(head: string, name: string): readonly string[] {
  return [...head.matchAll(/\r\n([^:\r\n]+):[ \t]*([^\r\n]*?)[ \t]*(?=\r\n|$)/g)]
    .filter(([, found = '']) => found.toLowerCase() === name)
    .map(([, , value = '']) => value)
}
