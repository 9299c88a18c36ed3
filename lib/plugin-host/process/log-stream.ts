import type { Buffer } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { Clock } from '../../ports/clock.ts'
import { Lines } from './lines.ts'
import { type PluginLogEntry, parseLogLine } from './log-entry.ts'
import { throttled } from './throttled.ts'

/** Longest line that is looked at, in bytes; the rest of it is passed over. */
const MAX_LINE_BYTES = 16 * 1024
/** Lines a second that are read; more are counted. */
const LINES_PER_SECOND = 200
const BURST = 1000

/**
 * Reads the stderr of a plugin for all its life, as log entries.
 *
 * A plugin that floods it loses lines, which are counted, and waits at its pipe: neither the host's memory nor
 * its CPU is its to spend. `onLog` may throw; nobody is told.
 */
export function readLog(
  stream: Readable,
  plugin: string,
  clock: Clock,
  onLog: ((entry: PluginLogEntry) => void) | undefined,
): void {
  if (onLog === undefined) {
    throttled(stream, clock, () => {})
    return
  }
  const give = (entry: PluginLogEntry | undefined): void => {
    if (entry === undefined) return
    try {
      onLog(entry)
    } catch {
      // Who listens to logs must not end what is logged.
    }
  }
  const allowance = new Allowance(clock)
  const lines = new Lines(MAX_LINE_BYTES, (line) => {
    if (!allowance.take()) return
    if (allowance.dropped > 0) give(droppedEntry(plugin, allowance.forget()))
    give(parseLogLine(plugin, line))
  })
  throttled(stream, clock, (chunk: Buffer) => lines.push(chunk))
  stream.once('end', () => {
    lines.end()
    if (allowance.dropped > 0) give(droppedEntry(plugin, allowance.forget()))
  })
}

function droppedEntry(plugin: string, count: number): PluginLogEntry {
  return { plugin, level: 'warn', message: `${count} lines of its log were dropped: it logs too fast`, fields: {} }
}

/** Token bucket of lines. */
class Allowance {
  readonly #clock: Clock
  #left = BURST
  #atMs: number
  dropped = 0

  constructor(clock: Clock) {
    this.#clock = clock
    this.#atMs = clock.now()
  }

  take(): boolean {
    const nowMs = this.#clock.now()
    this.#left = Math.min(BURST, this.#left + ((nowMs - this.#atMs) / 1000) * LINES_PER_SECOND)
    this.#atMs = nowMs
    if (this.#left < 1) {
      this.dropped++
      return false
    }
    this.#left--
    return true
  }

  forget(): number {
    const { dropped } = this
    this.dropped = 0
    return dropped
  }
}
