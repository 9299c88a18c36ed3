import type { Outcome, Side, Skipped } from './outcome.ts'

const HEADS = [
  'row',
  'ours',
  'peer',
  'ratio',
  'spread',
  'goal',
  'met',
  'CPU µs/req',
  'p50 µs',
  'p99 µs',
  'RSS MB',
] as const

/** The results as text: a table, then what each row compares. Pairs of figures are ours / peer. */
export function tableOf(results: readonly (Outcome | Skipped)[]): string {
  const lines = [HEADS, ...results.map(cells)]
  const widths = HEADS.map((_, at) => Math.max(...lines.map((line) => (line[at] ?? '').length)))
  const drawn = lines.map((line) =>
    line
      .map((cell, at) => (at === 0 ? cell.padEnd(widths[at] ?? 0) : cell.padStart(widths[at] ?? 0)))
      .join('  ')
      .trimEnd(),
  )
  return [...drawn, '', ...results.map(legend)].join('\n')
}

function cells(result: Outcome | Skipped): readonly string[] {
  const { name, goal, unit } = result.row
  const wanted = goal === undefined ? '-' : `${goal.relation} ${goal.ratio}`
  if ('skipped' in result) return [name, '-', '-', '-', '-', wanted, 'skipped']
  const { ours, peer, ratio, spread, met } = result
  const pair = (field: keyof Side): string => `${short(ours[field])} / ${short(peer[field])}`
  return [
    name,
    `${short(ours.value)} ${unit}`,
    `${short(peer.value)} ${unit}`,
    ratio.toFixed(2),
    spread.map((bound) => bound.toFixed(2)).join('..'),
    wanted,
    met === undefined ? '-' : met ? 'yes' : 'NO',
    ...(['cpuUs', 'p50Us', 'p99Us', 'rssMb'] as const).map(pair),
  ]
}

function legend(result: Outcome | Skipped): string {
  const { name, title, peerName } = result.row
  const why = 'skipped' in result ? `; left out: ${result.skipped}` : ''
  return `${name}: ${title}; peer: ${peerName}${why}`
}

/** Three digits that count, no exponent. */
function short(value: number | undefined): string {
  if (value === undefined || Number.isNaN(value)) return '-'
  if (value >= 100) return Math.round(value).toLocaleString('en-US')
  return value.toFixed(value >= 10 ? 1 : 2)
}
