import type { TestContext } from 'node:test'
import { type Bao, type BaoOptions, launchBao } from '../../examples/support/bao.ts'
import { launched } from './real-servers.ts'

export type { Bao, BaoAnswer, BaoOptions } from '../../examples/support/bao.ts'

/** An OpenBao server for the time of `t`; skips `t` where there is none, fails it in CI. */
export function startBao(t: TestContext, options: BaoOptions = {}): Promise<Bao> {
  return launched(t, () => launchBao(options))
}
