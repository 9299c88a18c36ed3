import type { Buffer } from 'node:buffer'
import type { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { Framing } from './framing.ts'

/**
 * A connection as the HTTP server behind gets to see it: the bytes of `socket`, with verbs that its parser knows.
 *
 * Node's parser refuses `LIST`, and hands out no place to teach it; a rewrite of the first bytes alone would break the
 * second request of a connection.
 */
export class FrontSocket extends Duplex {
  readonly socket: Socket
  /** Resolves when the requests of this connection so far have been served. Never rejects. */
  turn: Promise<void> = Promise.resolve()
  readonly #framing = new Framing()

  /** @param idleMs - A connection on which nothing moves for so long is ended. */
  constructor(socket: Socket, idleMs: number) {
    super({ allowHalfOpen: true, emitClose: true })
    this.socket = socket
    socket.setNoDelay(true)
    socket.setTimeout(idleMs, () => this.destroy())
    socket.on('data', (chunk: Buffer) => this.#received(chunk))
    socket.once('end', () => {
      const rest = this.#framing.end()
      if (rest.length > 0) this.push(rest)
      this.push(null)
    })
    socket.once('error', () => this.destroy())
    socket.once('close', () => this.destroy())
  }

  get remoteAddress(): string | undefined {
    return this.socket.remoteAddress
  }

  override _read(): void {
    this.socket.resume()
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    if (this.socket.destroyed) done(new Error('the connection has ended'))
    else this.socket.write(chunk, done)
  }

  override _writev(
    chunks: readonly { readonly chunk: Buffer; readonly encoding: BufferEncoding }[],
    done: (error?: Error | null) => void,
  ): void {
    const last = chunks.length - 1
    this.socket.cork()
    for (const [at, { chunk, encoding }] of chunks.entries()) {
      if (at === last) this._write(chunk, encoding, done)
      else if (!this.socket.destroyed) this.socket.write(chunk)
    }
    this.socket.uncork()
  }

  override _final(done: (error?: Error | null) => void): void {
    this.socket.end(done)
  }

  override _destroy(_error: Error | null, done: (error?: Error | null) => void): void {
    this.socket.destroy()
    done(null)
  }

  #received(chunk: Buffer): void {
    let hasRoom = true
    for (const piece of this.#framing.push(chunk)) hasRoom = this.push(piece) && hasRoom
    if (!hasRoom) this.socket.pause()
  }
}
