import type { PluginsOptions } from '../process/config.ts'

/** Above what distributions, containers and systemd give to anyone. */
const FIRST_USER = 1_900_000_000
const USERS = 8

/**
 * How plugins are run that are only looked at: in a sandbox without network, which nothing of a look needs; on level `uid`, where this is root, as
 * users that nobody is. Processes that look at the same time begin at numbers of their own.
 */
export function quarantineIn(folder: string): PluginsOptions {
  const first = FIRST_USER + (process.pid % 1_000_000) * USERS
  return { folder, sandboxNetwork: false, ...(process.getuid?.() === 0 ? { users: { first, count: USERS } } : {}) }
}
