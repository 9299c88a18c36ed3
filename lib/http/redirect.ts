import { portOf } from '../options/server.ts'

/** Where a redirect leads: an origin to send the same request to, or why it is not followed. */
export type RedirectTarget = { readonly origin: string } | { readonly refused: string }

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308])

/** Does `status` lead elsewhere? */
export function isRedirect(status: number): boolean {
  return REDIRECTS.has(status)
}

/**
 * Decides on a redirect. The request would be sent whole, token and body, so it may only go to a host that
 * is allowed to have them, and mean what it meant: same method, path and query, never from https to http.
 *
 * @param location - The header of the answer.
 * @param origin - Where the request was sent.
 * @param target - Path and query that were sent.
 * @param allowedHosts - `host:port`, lower case.
 */
export function redirectTarget(
  status: number,
  location: string | readonly string[] | undefined,
  origin: string,
  target: string,
  allowedHosts: readonly string[],
): RedirectTarget {
  if (status === 303) return { refused: 'it would change the method' }
  const from = new URL(target, origin)
  const to = typeof location === 'string' && location !== '' ? URL.parse(location, from.href) : null
  if (to === null) return { refused: 'it names no address' }
  if (to.protocol !== 'https:' && to.protocol !== 'http:') return { refused: 'its protocol is not http or https' }
  if (from.protocol === 'https:' && to.protocol === 'http:') return { refused: 'it leads from https to http' }
  if (to.username !== '' || to.password !== '') return { refused: 'it holds a user name or password' }
  if (!allowedHosts.includes(`${to.hostname}:${portOf(to)}`)) {
    return { refused: 'its host is not among allowedRedirectHosts' }
  }
  if (to.pathname !== from.pathname || to.search !== from.search)
    return { refused: 'it leads to another path or query' }
  return { origin: to.origin }
}
