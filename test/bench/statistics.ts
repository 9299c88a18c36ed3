/** The middle of `values`, or the mean of the two in the middle; `NaN` of none. */
export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b)
  const upper = sorted[Math.floor(sorted.length / 2)] ?? Number.NaN
  const lower = sorted[Math.ceil(sorted.length / 2) - 1] ?? Number.NaN
  return (lower + upper) / 2
}

/** The value that `fraction` of the `sorted` ones do not exceed; `NaN` of none. */
export function quantile(sorted: ArrayLike<number>, fraction: number): number {
  const rank = Math.max(Math.ceil(fraction * sorted.length), 1)
  return sorted[rank - 1] ?? Number.NaN
}
