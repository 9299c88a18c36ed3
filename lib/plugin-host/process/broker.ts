import type { ConnInfo } from '../wire/gen/plugin.ts'
import { GRPCBrokerService } from '../wire/gen/services.ts'
import type { Channel, DuplexCall } from '../wire/grpc/channel.ts'

/** The stream on which a process is told of the host's sockets, by number. One for the life of the process. */
export class Broker {
  readonly #stream: DuplexCall<ConnInfo, ConnInfo>
  #last = 0
  /** Resolves when the stream has ended, by whichever side. */
  readonly ended: Promise<void>

  constructor(channel: Channel) {
    this.#stream = channel.duplex(GRPCBrokerService.startStream, { drains: true })
    this.ended = drained(this.#stream.messages)
  }

  /** A number that this process has not been told of yet. */
  next(): number {
    this.#last++
    return this.#last
  }

  /** The other side waits 5 s for it, and drops it after 5 s when nobody asked. */
  announce(id: number, path: string): Promise<void> {
    return this.#stream.send({ serviceId: id, network: 'unix', address: path, knock: undefined })
  }

  close(): void {
    this.#stream.end()
  }
}

/** Plugins may offer sockets of their own; no host ever wanted one: nothing comes but the end. */
async function drained(messages: AsyncIterable<unknown>): Promise<void> {
  try {
    for await (const _ of messages);
  } catch {
    // The end is all that counts.
  }
}
