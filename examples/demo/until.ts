import { setTimeout as wait } from 'node:timers/promises'

const EVERY_MS = 20
const LIMIT_MS = 10_000

/** Waits until `isSo`. @throws {Error} naming `what` the demo waited for, after 10 s. */
export async function until(what: string, isSo: () => boolean | Promise<boolean>): Promise<void> {
  const startedAt = performance.now()
  while (!(await isSo())) {
    if (performance.now() - startedAt > LIMIT_MS)
      throw new Error(`the demo expected within ${LIMIT_MS / 1000} s: ${what}`)
    await wait(EVERY_MS)
  }
}
