/** Where a TCP listener listens. */
export interface TcpAddress {
  /** Without brackets. */
  readonly host: string
  readonly port: number
  /** Is it reached from this machine alone? */
  readonly isLoopback: boolean
}

/** The parts of `host:port`; `undefined` for anything else. A name other than `localhost` is taken to be reached from elsewhere. */
export function tcpAddress(text: string): TcpAddress | undefined {
  const [, bracketed, plain, digits = ''] = /^(?:\[([0-9a-fA-F:.]+)\]|([^:[\]\s]+)):(\d{1,5})$/.exec(text) ?? []
  const host = bracketed ?? plain
  const port = Number(digits)
  if (host === undefined || port > 65_535) return undefined
  return { host, port, isLoopback: host === 'localhost' || host === '::1' || /^127(?:\.\d{1,3}){3}$/.test(host) }
}
