import { constants, type Http2Session } from 'node:http2'

/** Frames without use that a peer may send in a row. Go measures the line by pings, though only while data flows. */
const MOST = 10_000

/** Ends `session` where its peer keeps us busy with pings or settings alone; `onProgress` says that there was more. */
export function watchFlood(session: Http2Session): { readonly onProgress: () => void } {
  let count = 0
  const onIdleFrame = (): void => {
    count += 1
    if (count > MOST && !session.destroyed) session.destroy(undefined, constants.NGHTTP2_ENHANCE_YOUR_CALM)
  }
  session.on('ping', onIdleFrame)
  session.on('remoteSettings', onIdleFrame)
  return {
    onProgress: () => {
      count = 0
    },
  }
}
