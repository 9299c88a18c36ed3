import { typed } from './check.ts'

/**
 * A namespace in canonical form: `''` for the root, else `team-a` or `team-a/sub`.
 *
 * One slash at either end is dropped. The server takes `/team-a//` for an alias of `team-a`; here two
 * spellings of one namespace would be two names to policies, so anything else is refused.
 *
 * @throws {TypeError|RangeError} naming the option.
 */
export function namespaceOption(name: string, value: unknown): string {
  if (typeof value !== 'string') throw new TypeError(`${name} must be a string, got ${typed(value)}`)
  const canonical = value.replace(/^\//, '').replace(/\/$/, '')
  if (value === '' || value === '/') return ''
  if (!/^[\x20-\x7e]*$/.test(canonical)) throw new RangeError(`${name} must be printable ASCII`)
  if (canonical.startsWith(' ') || canonical.endsWith(' '))
    throw new RangeError(`${name} must not start or end with a space`)
  for (const segment of canonical.split('/')) {
    if (segment === '' || segment === '.' || segment === '..') {
      throw new RangeError(`${name} must not have an empty segment, "." or ".."`)
    }
  }
  return canonical
}
