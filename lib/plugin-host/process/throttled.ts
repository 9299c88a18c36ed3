import type { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { Clock } from '../../ports/clock.ts'

/** Bytes that are read in one window; then the stream waits for the next. */
const WINDOW_BYTES = 128 * 1024
const WINDOW_MS = 100

/**
 * Drains `stream` to its end, no faster than about a megabyte a second.
 *
 * Whoever writes more waits at its pipe instead of keeping this process busy.
 */
export function throttled(stream: Readable, clock: Clock, onChunk: (chunk: Buffer) => void): void {
  let bytes = 0
  let sinceMs = clock.now()
  stream.on('error', () => {})
  stream.on('data', (chunk: Buffer) => {
    const nowMs = clock.now()
    if (nowMs - sinceMs >= WINDOW_MS) {
      sinceMs = nowMs
      bytes = 0
    }
    bytes += chunk.length
    onChunk(chunk)
    if (bytes < WINDOW_BYTES) return
    stream.pause()
    clock.after(Math.max(1, sinceMs + WINDOW_MS - nowMs), () => stream.resume())
  })
}
