import { refuse } from './refusal.ts'

/** Semantic version with a leading `v`: `v1.2.3`, `v0.13.0-rc.1`, `v1.0.0+ent`. */
const SEMVER = /^v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:-([0-9A-Za-z.-]{1,100}))?(?:\+([0-9A-Za-z.-]{1,100}))?$/

/** The same with numbers left out at the end, as people ask for it. */
const SHORT = /^v?(\d{1,9}(?:\.\d{1,9})?)((?:[-+][0-9A-Za-z.+-]{1,200})?)$/

/** `text` with its leading `v`; `undefined` for what is no semantic version. */
export function canonicalVersion(text: string): string | undefined {
  if (!SEMVER.test(text)) return undefined
  return text.startsWith('v') ? text : `v${text}`
}

/** A version that is asked for, in full; `''`, for none, stays. @throws {Refusal} 400 in the server's words. */
export function askedVersion(text: string): string {
  const short = SHORT.exec(text)
  if (short !== null) return askedVersion(`${short[1]}.0${short[2]}`)
  const version = text === '' ? '' : canonicalVersion(text)
  if (version !== undefined) return version
  const shown = text.slice(0, 100)
  throw refuse(400, `version ${JSON.stringify(shown)} is not a valid semantic version: malformed version: ${shown}`)
}

/** Below 0: `a` is the lower one. By the rules of semver.org; build metadata parts what is otherwise equal, bytewise. */
export function compareVersions(a: string, b: string): number {
  const left = SEMVER.exec(a)
  const right = SEMVER.exec(b)
  if (left === null || right === null) return a === b ? 0 : left === null ? -1 : 1
  for (const at of [1, 2, 3]) {
    const difference = Number(left[at]) - Number(right[at])
    if (difference !== 0) return difference
  }
  return comparePre(left[4], right[4]) || order(left[5] ?? '', right[5] ?? '')
}

/** A version with a pre-release comes before the one without. */
function comparePre(a: string | undefined, b: string | undefined): number {
  if (a === undefined || b === undefined) return a === b ? 0 : a === undefined ? 1 : -1
  const left = a.split('.')
  const right = b.split('.')
  for (let at = 0; at < Math.min(left.length, right.length); at += 1) {
    const difference = comparePart(left[at] ?? '', right[at] ?? '')
    if (difference !== 0) return difference
  }
  return left.length - right.length
}

function comparePart(a: string, b: string): number {
  const isNumber = [/^\d+$/.test(a), /^\d+$/.test(b)]
  if (isNumber[0] === true && isNumber[1] === true) return Number(a) - Number(b)
  return isNumber[0] === isNumber[1] ? order(a, b) : isNumber[0] === true ? -1 : 1
}

function order(a: string, b: string): number {
  return a === b ? 0 : a < b ? -1 : 1
}
