/** A request as it stands on the wire of a server. */
export interface WireRequest {
  /** `GET`, `LIST`, `SCAN`, `POST`, `PUT`, `PATCH`, `DELETE`. */
  readonly method: string
  /** Below `/v1/`; may bring a query. */
  readonly path: string
  /** An object; a text goes as it stands. */
  readonly body?: unknown
  /** Default: may do everything. `''`: none. */
  readonly token?: string
  /** As the header has it, such as `60s`. */
  readonly wrapTtl?: string
}

/** What came back. */
export interface WireAnswer {
  readonly status: number
  /** Parsed JSON, or text; `undefined` for none. */
  readonly body: unknown
}

/** Someone who answers requests: a real server, or a plugin host at the level of the wire. */
export interface Peer {
  readonly name: string
  send(request: WireRequest): Promise<WireAnswer>
}
