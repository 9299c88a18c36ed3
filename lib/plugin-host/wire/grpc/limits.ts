import { GRPC_STATUS, GrpcStatusError } from './status.ts'

/** How much a peer may ask of us. */
export interface GrpcLimits {
  /** Longest message accepted, in bytes. Default: 32 MiB. */
  readonly maxReceiveBytes?: number
  /** Longest message sent, in bytes. Default: 32 MiB. */
  readonly maxSendBytes?: number
  /** Of one connection: bytes of messages that are not whole yet, and of answers not taken yet. Default: 128 MiB. */
  readonly maxHeldBytes?: number
  /** Of one connection, for servers: calls at once. Default: 1,000. */
  readonly maxConcurrentCalls?: number
  /** For servers: connections at once. Default: 16. */
  readonly maxConnections?: number
}

export const DEFAULT_GRPC_LIMITS: Required<GrpcLimits> = Object.freeze({
  maxReceiveBytes: 32 * 1024 * 1024,
  maxSendBytes: 32 * 1024 * 1024,
  maxHeldBytes: 128 * 1024 * 1024,
  maxConcurrentCalls: 1_000,
  maxConnections: 16,
})

/** Bytes held for one connection. */
export class Budget {
  readonly #max: number
  #held = 0

  constructor(max: number) {
    this.#max = max
  }

  /** @throws {GrpcStatusError} RESOURCE_EXHAUSTED. */
  take(bytes: number): void {
    if (this.#held + bytes > this.#max)
      throw new GrpcStatusError(GRPC_STATUS.resourceExhausted, `more than ${this.#max} bytes wait on this connection`)
    this.#held += bytes
  }

  give(bytes: number): void {
    this.#held -= bytes
  }
}
