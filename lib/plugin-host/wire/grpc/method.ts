import type { BinaryReader, BinaryWriter } from '@bufbuild/protobuf/wire'

/** Reads and writes one kind of protobuf message. @throws {Error} for bytes that are no such message. */
export interface Codec<T> {
  encode(message: T, writer?: BinaryWriter): BinaryWriter
  decode(input: BinaryReader | Uint8Array, length?: number): T
}

/** `duplex`: both ends send as they like. */
export type MethodKind = 'unary' | 'server-stream' | 'duplex'

/** One call of a gRPC service: where it is, and what it carries. */
export interface Method<Request, Reply, Kind extends MethodKind = MethodKind> {
  readonly kind: Kind
  /** `/package.Service/Method`. */
  readonly path: string
  readonly request: Codec<Request>
  readonly reply: Codec<Reply>
}

export type Unary<Request, Reply> = Method<Request, Reply, 'unary'>
export type ServerStream<Request, Reply> = Method<Request, Reply, 'server-stream'>
export type Duplex<Request, Reply> = Method<Request, Reply, 'duplex'>
