import type { Buffer } from 'node:buffer'
import { createSocket } from 'node:dgram'
import { connect, isIPv6, type NetConnectOpts, type Socket } from 'node:net'
import { framed } from './message.ts'

/** A way to a syslog receiver. Keeps the process alive while something is being sent, and no longer. */
export interface SyslogConnection {
  /** Resolves once the operating system has taken all. @throws {Error} of the system; then the next call connects anew. */
  send(messages: readonly Buffer[]): Promise<void>
  close(): void
}

/**
 * Over TCP or a unix socket: one connection, made when it is needed, and anew after it has failed.
 *
 * @param stallMs - A receiver that takes nothing for so long is given up, and connected to anew.
 */
export function streamConnection(target: NetConnectOpts, stallMs: number): SyslogConnection {
  let socket: Socket | undefined
  const opened = (): Socket => {
    const made = connect(target)
    const drop = (): void => {
      if (socket === made) socket = undefined
    }
    // Told to the write under way.
    made.on('error', drop)
    made.on('close', drop)
    // A receiver says nothing; one that ends its side will read nothing more.
    made.on('end', () => made.destroy())
    made.resume()
    socket = made
    return made
  }
  return {
    async send(messages): Promise<void> {
      const used = socket ?? opened()
      used.ref()
      const give = (): void => void used.destroy(new Error(`the syslog receiver took nothing for ${stallMs} ms`))
      used.setTimeout(stallMs, give)
      try {
        await written(used, messages)
      } finally {
        used.setTimeout(0, give)
        used.off('timeout', give)
        used.unref()
      }
    },
    close: () => void socket?.destroy(),
  }
}

function written(socket: Socket, messages: readonly Buffer[]): Promise<void> {
  return new Promise((resolve, reject) => {
    const onClose = (): void => reject(new Error('the connection to the syslog receiver ended'))
    const settle = (error?: Error | null): void => {
      socket.off('close', onClose)
      socket.off('error', settle)
      if (error == null) resolve()
      else reject(error)
    }
    socket.once('close', onClose)
    // Comes before the callback of the write, and says why.
    socket.once('error', settle)
    socket.cork()
    for (const message of messages.slice(0, -1)) socket.write(framed(message))
    const last = messages.at(-1)
    if (last === undefined) settle()
    else socket.write(framed(last), settle)
    socket.uncork()
  })
}

/** Over UDP: a datagram each. One that is too long is refused by the system; one that is lost on the way, nobody sees. */
export function datagramConnection(host: string, port: number): SyslogConnection {
  const socket = createSocket(isIPv6(host) ? 'udp6' : 'udp4')
  socket.on('error', () => {})
  socket.unref()
  let isClosed = false
  const sent = (message: Buffer): Promise<void> =>
    new Promise((resolve, reject) => {
      socket.send(message, port, host, (error) => (error === null ? resolve() : reject(error)))
    })
  return {
    async send(messages): Promise<void> {
      for (const message of messages) await sent(message)
    },
    close(): void {
      if (isClosed) return
      isClosed = true
      socket.close()
    },
  }
}
