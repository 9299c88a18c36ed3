/** Longest delay that Node's timers keep; what is longer never ends in practice. */
export const LONGEST_TIMER_MS = 2_147_483_647

/** `ms` as the header `grpc-timeout`; rounded up. */
export function formatTimeout(ms: number): string {
  const whole = Math.max(1, Math.ceil(ms))
  if (whole <= 99_999_999) return `${whole}m`
  return `${Math.min(99_999_999, Math.ceil(whole / 1000))}S`
}

const UNIT_MS: Readonly<Record<string, number>> = { H: 3_600_000, M: 60_000, S: 1_000, m: 1, u: 1e-3, n: 1e-6 }

/** The header in milliseconds; `undefined` where it is absent, `NaN` where it is malformed. */
export function parseTimeout(header: unknown): number | undefined {
  if (header === undefined) return undefined
  const [, digits, unit = ''] = (typeof header === 'string' && /^(\d{1,8})([HMSmun])$/.exec(header)) || []
  return Number(digits) * (UNIT_MS[unit] ?? Number.NaN)
}
