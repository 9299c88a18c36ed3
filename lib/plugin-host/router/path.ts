/** Longest path taken, in UTF-16 units: keys of storages end not far beyond. */
const MAX_LENGTH = 4096

/** What the gateway refuses, and a server too: control characters, empty segments, `.` and `..`. */
const ODD = /[\u0000-\u001f\u007f]|^\/|\/\/|(?:^|\/)\.{1,2}(?:\/|$)/

/** Can `path` be meant? Callers of the gateway were asked already; others may stand before the host too. */
export function isCanonical(path: string): boolean {
  return path !== '' && path.length <= MAX_LENGTH && path.isWellFormed() && !ODD.test(path)
}
