import { Refused } from './refused.ts'

const UNITS: ReadonlyMap<string, number> = new Map([
  ['ms', 1],
  ['s', 1_000],
  ['m', 60_000],
  ['h', 3_600_000],
  ['d', 86_400_000],
])

/**
 * Milliseconds of an `X-Vault-Wrap-TTL`: seconds, or a duration such as `1m30s`; `undefined` for 0, which wraps nothing.
 *
 * @throws {Refused} 400 for anything but whole seconds.
 */
export function wrapTtlMs(text: string): number | undefined {
  const ms = /^\d{1,10}$/.test(text) ? Number(text) * 1_000 : durationMs(text)
  if (ms === undefined || ms % 1_000 !== 0 || ms > 2 ** 31 * 1_000)
    throw new Refused(400, 'X-Vault-Wrap-TTL must be whole seconds, such as 60 or 1m30s')
  return ms === 0 ? undefined : ms
}

function durationMs(text: string): number | undefined {
  if (!/^(?:\d{1,10}(?:\.\d{1,3})?(?:ms|s|m|h|d))+$/.test(text)) return undefined
  let ms = 0
  for (const [, amount = '', unit = ''] of text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g))
    ms += Number(amount) * (UNITS.get(unit) ?? Number.NaN)
  return ms
}
