import { type Channel, openChannel } from '../../plugin-host/wire/grpc/channel.ts'
import type { GrpcAddress, MutualTls } from '../../plugin-host/wire/grpc/connect.ts'
import type { Unary } from '../../plugin-host/wire/grpc/method.ts'
import { GRPC_STATUS, GrpcStatusError } from '../../plugin-host/wire/grpc/status.ts'
import { HostError } from '../refusal.ts'

/** A host that does not answer must not hold a request for ever: its own limit for one is 90 s. */
const CALL_LIMIT_MS = 90_000

/** The connection of one mount to its host. Made anew with the next call where it broke; the host goes on listening. */
export class HostConnection {
  readonly #address: GrpcAddress
  readonly #tls: MutualTls | undefined
  #channel: Promise<Channel> | undefined
  #isClosed = false

  constructor(address: GrpcAddress, tls: MutualTls | undefined) {
    this.#address = address
    this.#tls = tls
  }

  /** @throws {HostError} the host cannot be asked, or refused; see {@link isUnimplemented}. */
  async call<Request, Reply>(method: Unary<Request, Reply>, request: Request): Promise<Reply> {
    try {
      const channel = await this.open()
      return await channel.unary(method, request, { timeoutMs: CALL_LIMIT_MS })
    } catch (cause) {
      const words = cause instanceof GrpcStatusError ? cause.message : 'the host cannot be asked'
      throw new HostError(method.path.slice(1), words, { cause })
    }
  }

  /** @throws {GrpcStatusError} the host cannot be reached, or the connection was closed. */
  open(): Promise<Channel> {
    if (this.#isClosed) return Promise.reject(new GrpcStatusError(GRPC_STATUS.unavailable, 'the mount is closed'))
    this.#channel ??= this.#connect()
    return this.#channel
  }

  async close(): Promise<void> {
    this.#isClosed = true
    const channel = await this.#channel?.catch(() => undefined)
    await channel?.close()
  }

  async #connect(): Promise<Channel> {
    const forget = (): void => {
      this.#channel = undefined
    }
    try {
      const channel = await openChannel(this.#address, {
        reconnects: true,
        ...(this.#tls === undefined ? {} : { tls: this.#tls }),
      })
      void channel.closed.then(forget)
      return channel
    } catch (error) {
      forget()
      throw error
    }
  }
}

/** Does the host lack this call? Vault has none of OpenBao's, and the other way round. */
export function isUnimplemented(error: unknown): boolean {
  return (
    error instanceof HostError &&
    error.cause instanceof GrpcStatusError &&
    error.cause.code === GRPC_STATUS.unimplemented
  )
}

/** `reply`, unless the host put an error into it. @throws {HostError} */
export function accepted<Reply extends { readonly err: string }>(call: string, reply: Reply): Reply {
  if (reply.err !== '') throw new HostError(call, reply.err)
  return reply
}
