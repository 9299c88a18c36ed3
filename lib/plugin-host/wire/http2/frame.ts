/** Kinds of frames. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goAway: 7,
  window: 8,
  continuation: 9,
} as const

export const FLAG = { endStream: 1, ack: 1, endHeaders: 4, padded: 8, priority: 32 } as const

export const SETTING = {
  headerTable: 1,
  enablePush: 2,
  maxStreams: 3,
  initialWindow: 4,
  maxFrame: 5,
  maxHeaderList: 6,
} as const

/** Why a stream or a connection ended. */
export const CODE = {
  none: 0,
  protocol: 1,
  internal: 2,
  flowControl: 3,
  streamClosed: 5,
  frameSize: 6,
  refused: 7,
  cancel: 8,
  compression: 9,
  calm: 11,
} as const

export const FRAME_HEADER_BYTES = 9
/** Longest payload that we accept; larger ones may be agreed upon, and never are. */
export const MAX_FRAME_BYTES = 16_384
/** Room of a stream and of a connection before anything is agreed upon. */
export const FIRST_WINDOW = 65_535
export const MAX_WINDOW = 2_147_483_647
export const MAX_STREAM_ID = 2_147_483_647
export const PREFACE: string = 'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'

/** The peer broke the rules: the connection ends. */
export class ConnectionError extends Error {
  override readonly name = 'ConnectionError'
  /** One of {@link CODE}. */
  readonly code: number

  constructor(code: number, message: string) {
    super(message)
    this.code = code
  }
}
