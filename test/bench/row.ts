import type { Scope } from './scope.ts'

/** What `prepare` found out and both sides need: plain data, since it crosses to other processes. */
export type Settings = Readonly<Record<string, string | number | boolean>>

/** What one round of one side came to. */
export interface Sample {
  /** The figure compared, in the row's unit. */
  readonly value: number
  /** What `value` is compared with, where the row has no peer. */
  readonly against?: number
  readonly cpuUs: number
  readonly p50Us: number
  readonly p99Us: number
  readonly rssMb: number
}

/** How long a round lasts. */
export interface RoundLimits {
  readonly forMs: number
}

/** One side of a row, set up in a process of its own. */
export interface Contestant {
  round(limits: RoundLimits): Promise<Sample>
  close(): Promise<void>
}

/** What is to hold of ours / peer. */
export interface Goal {
  readonly relation: '<=' | '>='
  readonly ratio: number
}

/**
 * One row of the table.
 *
 * A module in `rows/` exports a list of them as `rows`; nothing else names it. Each side runs in its own process,
 * so that neither warms up or slows down the other, and CPU and memory are its own.
 */
export interface Row {
  readonly name: string
  /** What is measured, in one line. */
  readonly title: string
  readonly peerName: string
  readonly unit: 'µs' | 'ms' | 'req/s' | 'MB' | 'B' | '%' | '/s'
  /** `undefined`: printed for information. */
  readonly goal: Goal | undefined
  /** Starts what both sides need. @throws {UnavailableError} when the peer cannot be had here, or not within `--quick`. */
  prepare?(scope: Scope, isQuick: boolean): Promise<Settings>
  ours(settings: Settings): Promise<Contestant>
  /** Absent: samples of ours carry `against`. */
  peer?(settings: Settings): Promise<Contestant>
}
