/** The only source of chance. */
export interface Random {
  /** In [0, 1). */
  fraction(): number
  /** A UUID, for request ids and the instance. */
  uuid(): string
  /** From the operating system's generator, for keys. */
  bytes(length: number): Uint8Array
}
