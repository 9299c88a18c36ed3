import { GRPC_STATUS, GrpcStatusError } from './status.ts'

/** How much a peer may ask of us. */
export interface GrpcLimits {
  /** Longest message accepted, in bytes. Default: 32 MiB. */
  readonly maxReceiveBytes?: number
  /** Longest message sent, in bytes. Default: 32 MiB. */
  readonly maxSendBytes?: number
  /**
   * Of a channel, or of a server with all its connections: bytes of messages that are not whole yet or under work, and
   * of answers not taken yet. Default: 128 MiB.
   */
  readonly maxHeldBytes?: number
  /**
   * For servers: calls at once, of each connection, and of all together those under work, which go on also where their
   * caller has given up. Default: 1,000.
   */
  readonly maxConcurrentCalls?: number
  /** For servers: connections at once. Default: 4. */
  readonly maxConnections?: number
}

export const DEFAULT_GRPC_LIMITS: Required<GrpcLimits> = Object.freeze({
  maxReceiveBytes: 32 * 1024 * 1024,
  maxSendBytes: 32 * 1024 * 1024,
  maxHeldBytes: 128 * 1024 * 1024,
  maxConcurrentCalls: 1_000,
  maxConnections: 4,
})

/** Bytes held for a peer. */
export class Budget {
  readonly #max: number
  #held = 0

  constructor(max: number) {
    this.#max = max
  }

  /** @throws {GrpcStatusError} RESOURCE_EXHAUSTED. */
  take(bytes: number): void {
    if (this.#held + bytes > this.#max)
      throw new GrpcStatusError(GRPC_STATUS.resourceExhausted, `more than ${this.#max} bytes wait here already`)
    this.#held += bytes
  }

  give(bytes: number): void {
    this.#held -= bytes
  }
}

/** Calls of a server that its handlers work on. */
export class Workload {
  readonly #max: number
  #running = 0

  constructor(max: number) {
    this.#max = max
  }

  /** @throws {GrpcStatusError} RESOURCE_EXHAUSTED. */
  check(): void {
    if (this.#running >= this.#max)
      throw new GrpcStatusError(GRPC_STATUS.resourceExhausted, `${this.#max} calls are under work already`)
  }

  begin(): void {
    this.#running += 1
  }

  end(): void {
    this.#running -= 1
  }
}
