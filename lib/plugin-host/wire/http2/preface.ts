import { Buffer } from 'node:buffer'
import { CODE, ConnectionError, PREFACE } from './frame.ts'

/** Takes the words that a client begins with off what a socket brings. */
export class Preface {
  #seen: Buffer | undefined = Buffer.alloc(0)

  /** What follows them; `undefined` as long as they are not whole. @throws {ConnectionError} they are others. */
  strip(chunk: Buffer): Buffer | undefined {
    if (this.#seen === undefined) return chunk
    const seen = Buffer.concat([this.#seen, chunk])
    const begin = seen.toString('latin1', 0, PREFACE.length)
    if (!PREFACE.startsWith(begin)) throw new ConnectionError(CODE.protocol, 'the peer does not speak HTTP/2')
    this.#seen = begin.length < PREFACE.length ? seen : undefined
    return this.#seen === undefined ? seen.subarray(PREFACE.length) : undefined
  }
}
