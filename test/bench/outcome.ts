import type { Goal, Row, Sample } from './row.ts'
import { median } from './statistics.ts'

/** Figures of one side: medians over the rounds. */
export type Side = Omit<Sample, 'against'>

/** What came of a row. */
export interface Outcome {
  readonly row: Pick<Row, 'name' | 'title' | 'peerName' | 'unit' | 'goal'>
  readonly ours: Side
  /** Only its `value` where the row has no peer side. */
  readonly peer: Pick<Side, 'value'> & Partial<Side>
  /** Median of the rounds' own ratios: what slowed a round down slowed both sides. */
  readonly ratio: number
  /** The ratio's least and greatest over the rounds: the noise. */
  readonly spread: readonly [least: number, greatest: number]
  readonly met: boolean | undefined
}

/** A row that was left out. */
export interface Skipped {
  readonly row: Outcome['row']
  readonly skipped: string
}

/** One round: a sample of each side, taken one right after the other. */
export interface Round {
  readonly ours: Sample
  readonly peer: Sample | undefined
}

/** Sums up the rounds of a row. */
export function outcomeOf(row: Outcome['row'], rounds: readonly Round[]): Outcome {
  const ours = sideOf(rounds.map((round) => round.ours))
  const peers = rounds.flatMap(({ peer }) => (peer === undefined ? [] : [peer]))
  const peer = peers.length > 0 ? sideOf(peers) : { value: median(rounds.map(peerValue)) }
  const ratios = rounds.map((round) => round.ours.value / peerValue(round))
  const ratio = median(ratios)
  const spread = [Math.min(...ratios), Math.max(...ratios)] as const
  return { row, ours, peer, ratio, spread, met: row.goal && isMet(row.goal, ratio) }
}

/** A row as `--json` writes it; figures are `null` where it was left out. */
export function jsonRow(result: Outcome | Skipped): Readonly<Record<string, string | number | boolean | null>> {
  const { name, peerName, unit, goal } = result.row
  const facts = { name, peerName, unit, goal: goal === undefined ? null : `${goal.relation} ${goal.ratio}` }
  if ('skipped' in result) return { ...facts, ours: null, peer: null, ratio: null, met: null }
  const { ours, peer, ratio, met } = result
  return { ...facts, ours: ours.value, peer: peer.value, ratio, met: met ?? null }
}

function peerValue({ ours, peer }: Round): number {
  return peer?.value ?? ours.against ?? Number.NaN
}

function sideOf(samples: readonly Sample[]): Side {
  const of = (name: keyof Side): number => median(samples.map((sample) => sample[name]))
  return { value: of('value'), cpuUs: of('cpuUs'), p50Us: of('p50Us'), p99Us: of('p99Us'), rssMb: of('rssMb') }
}

function isMet({ relation, ratio: bound }: Goal, ratio: number): boolean {
  return relation === '<=' ? ratio <= bound : ratio >= bound
}
