/** Digits of a segment's number, so that names sort as numbers do. */
const DIGITS = 15
const NAME = /^(\d{15})\.jsonl$/

/** File name of the segment with this number, from 1. */
export function segmentName(number: number): string {
  return `${String(number).padStart(DIGITS, '0')}.jsonl`
}

/** Number of the segment in a file of that name; `undefined` where it is no segment. */
export function segmentNumber(name: string): number | undefined {
  const number = Number(NAME.exec(name)?.[1])
  return number > 0 ? number : undefined
}
