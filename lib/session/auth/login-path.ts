import { stringOption } from '../../options/check.ts'

/** Longest part of a login path, in UTF-16 units. */
const MAX_LENGTH = 512
const CONTROL = /[\u0000-\u001f\u007f-\u009f]/

/** Path of an auth method below `auth/`, without the slashes around it. @throws {TypeError} naming the option. */
export function mountOption(value: unknown, fallback: string): string {
  const mount = stringOption('mount', value, fallback).replace(/^\/+|\/+$/g, '')
  if (!mount.split('/').every(isSegment)) {
    throw new TypeError('mount must be a path without empty segments, "." or "..", and control characters')
  }
  return mount
}

/**
 * A name that stands in a login path as one segment; the transport encodes it.
 *
 * @throws {TypeError} naming the option: a slash, or a name that a server would read as another path, would log in as someone else.
 */
export function segmentOption(name: string, value: unknown): string {
  const segment = stringOption(name, value ?? null, '')
  if (segment.includes('/') || !isSegment(segment)) {
    throw new TypeError(`${name} must be one segment of a path: no slash, not "." or "..", no control characters`)
  }
  return segment
}

function isSegment(text: string): boolean {
  if (text === '' || text === '.' || text === '..' || text.length > MAX_LENGTH) return false
  return text.isWellFormed() && !CONTROL.test(text)
}
