import type { TestContext } from 'node:test'
import { baoProgram } from '../../examples/support/bao-program.ts'
import { postgresPrograms } from '../../examples/support/postgres-program.ts'
import { UnavailableError } from '../../examples/support/unavailable.ts'

/**
 * Why tests with real servers are skipped here; `false` where they can run.
 *
 * In CI it throws instead: a test that is skipped there would go unnoticed for ever.
 *
 * @example
 * const skip = await realServersAbsent()
 * test('a leased user can log in', { skip }, async (t) => { const bao = await startBao(t) })
 */
export async function realServersAbsent(): Promise<string | false> {
  try {
    await baoProgram()
    postgresPrograms().remove()
    return false
  } catch (error) {
    if (!(error instanceof UnavailableError) || isCi()) throw error
    return error.message
  }
}

/** `launch()`, stopped after `t`. Where it cannot be had, `t` is skipped and left by throwing; in CI it fails. */
export async function launched<T extends { stop(): Promise<void> }>(
  t: TestContext,
  launch: () => Promise<T>,
): Promise<T> {
  try {
    const server = await launch()
    t.after(() => server.stop())
    return server
  } catch (error) {
    if (error instanceof UnavailableError && !isCi()) t.skip(error.message)
    throw error
  }
}

function isCi(): boolean {
  return !['', '0', 'false'].includes(process.env.CI ?? '')
}
